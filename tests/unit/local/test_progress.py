"""Each step of a start is one line, written when it begins."""

import io
import re

from local.progress import Progress


def test_a_step_is_told_when_it_begins_with_the_seconds_so_far() -> None:
    stream = io.StringIO()
    progress = Progress(stream)

    progress("database: starting MariaDB")

    assert re.fullmatch(r"  0\.\d s  database: starting MariaDB\n", stream.getvalue())

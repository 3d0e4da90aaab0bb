"""`make build PORTAL_MAP=…`: a mapping that no function could read is no build."""

from pathlib import Path

import pytest

from local.package import BuildFailed, build


@pytest.mark.parametrize("text", ["", '{"version": 1, "sql": "SELECT 1"}', None])
def test_a_mapping_that_cannot_be_read_fails_the_build_before_it_begins(
    tmp_path: Path, text: str | None
) -> None:
    file, folder = tmp_path / "ours.json", tmp_path / "built"
    folder.mkdir()
    if text is not None:
        file.write_text(text)

    with pytest.raises(BuildFailed, match=r"ours\.json: "):
        build("arm64", "3.13", folder, file)

    assert folder.is_dir()  # what was built before stays

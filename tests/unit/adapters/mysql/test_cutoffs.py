"""Cut-offs as a sign-in reads them, and the rows that they cover."""

import pytest

from auth_tokens.adapters.mysql.cutoffs import are_covering, cutoffs_from
from auth_tokens.domain.errors import Unavailable

AT = "2026-12-01 12:00:00.000000"
AT_S = 1_796_126_400


def test_cut_offs_are_read_by_client() -> None:
    assert cutoffs_from([0, None]) == {}
    assert cutoffs_from([2, {"": AT, b"portal-app".hex().upper(): AT}]) == {"": AT_S, "portal-app": AT_S}


def test_cut_offs_that_the_server_left_out_are_no_answer() -> None:
    with pytest.raises(Unavailable):
        cutoffs_from([2, None])


@pytest.mark.parametrize(
    ("cutoffs", "began_at", "is_covered"),
    [
        pytest.param({}, 0, False, id="none"),
        pytest.param({"": 10}, 10, True, id="of all clients, at its instant"),
        pytest.param({"": 10}, 11, False, id="of all clients, a second later"),
        pytest.param({"portal-web": 10}, 10, True, id="of its own client"),
        pytest.param({"portal-web": 10}, 11, False, id="of its own client, a second later"),
        pytest.param({"portal-app": 10}, 10, False, id="of another client"),
        pytest.param({"": 5, "portal-web": 10}, 10, True, id="the later of both"),
        pytest.param({"": 10, "portal-web": 5}, 10, True, id="the later of both, of all clients"),
    ],
)
def test_a_row_is_covered_up_to_the_instant_of_its_clients(
    cutoffs: dict[str, int], began_at: int, is_covered: bool
) -> None:
    assert are_covering(cutoffs, "portal-web", began_at) is is_covered

"""docs/how-to/feed-a-siem.md: its rule lets through what the page says, and nothing else."""

import pytest
from moto.events.models import EventPattern

from tests.docs.markdown import DOCS, code_blocks

[PATTERN] = code_blocks(DOCS / "how-to" / "feed-a-siem.md", "json")


@pytest.mark.parametrize(
    ("kind", "detail", "is_sent"),
    [
        ("finding", {"severity": "high"}, True),
        ("finding", {"severity": "medium"}, True),
        ("finding", {"severity": "low"}, False),
        ("token_reuse_detected", {"generations_behind": 2}, True),
        ("signing_key_withdrawn", {}, True),
        ("user_revoked", {"reason": "admin", "actor": "user:someone"}, True),
        ("user_revoked", {"reason": "admin"}, False),
        ("login_failed", {"actor": "nobody's"}, False),
    ],
)
def test_the_rule_sends_findings_reuse_keys_and_what_others_did(
    kind: str, detail: dict[str, object], is_sent: bool
) -> None:
    event = {"source": "auth-user-tokens", "detail-type": kind, "detail": {"type": kind, "detail": detail}}

    assert EventPattern.load(PATTERN).matches_event(event) == is_sent
    assert not EventPattern.load(PATTERN).matches_event({**event, "source": "another"})

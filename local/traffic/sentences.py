"""What was found, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auth_tokens.domain.analytics.findings import EVERYBODY, Rule

_SENTENCES = {
    Rule.STUFFING_FROM_ONE_SOURCE: "{accounts} accounts were tried from one network: {events} wrong passwords",
    Rule.STUFFING_FROM_MANY_SOURCES: "{accounts} accounts were tried from {sources} networks, each a few times",
    Rule.GUESSING_ONE_ACCOUNT: "one account got {events} wrong passwords from {sources} networks",
    Rule.REUSE_SPIKE: "{events} spent tokens of {accounts} users came back",
    Rule.FAR_APART: "one session was used in two places that are too far apart",
    Rule.DEVICE_BURST: "one user signed in on {events} new devices",
    Rule.REVOCATION_STORM: "{events} sessions or devices of one user ended",
    Rule.REFRESH_BURST: "one session refreshed far more often than its tokens expire",
}
_OF_EVERYBODY = {
    Rule.REVOCATION_STORM: "sessions, devices or everything of {accounts} users ended, {events} times"
}


def finding_sentence(finding: Mapping[str, Any]) -> str:
    """A finding, as GET /admin/security/findings has it."""
    rule = Rule(finding["rule"])
    is_about_all = finding["subject"] == EVERYBODY
    return ((is_about_all and _OF_EVERYBODY.get(rule)) or _SENTENCES[rule]).format(**finding)


def alarm_sentence(detail: Mapping[str, Any]) -> str:
    """The detail of an event token_reuse_detected."""
    kind, behind, seconds = (
        detail[name] for name in ("token_type", "generations_behind", "seconds_since_rotation")
    )
    return (
        f"a spent {kind} token came back, {behind} behind the newest and {seconds} s after the last rotation;"
        f" its {'device' if kind == 'device' else 'session'} was ended"
    )

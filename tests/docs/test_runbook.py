"""The runbook and the pages beside it: log lines, events, waits, limits and figures are those of the code."""

from dataclasses import fields

from auth_tokens.adapters.mysql.purges import GONE_KEY_RETENTION_S, LIMIT_RETENTION_S, ROLLUP_RETENTION_S
from auth_tokens.domain.analytics.findings import Rule
from auth_tokens.domain.bounds import MIN_RETENTION_S
from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.credentials import Transport, Validated
from auth_tokens.domain.key_steps import schedules
from auth_tokens.domain.keys import Purpose
from auth_tokens.domain.limits import (
    GUESSES_PER_SITE,
    GUESSES_PER_SOURCE,
    IAM_PER_PRINCIPAL,
    INTROSPECTION_PER_PRINCIPAL,
    LOGIN_FIRST,
    LOGIN_PER_ACCOUNT,
    LOGIN_PER_DEVICE,
    LOGIN_PER_KNOWN_NETWORK,
    LOGIN_PER_PAIR,
    LOGIN_PER_SITE,
    LOGIN_PER_SOURCE,
    REFRESH_PER_SESSION,
    Limit,
)
from auth_tokens.settings import Settings
from auth_tokens.usecases.cleanup import CATCH_UP, RESERVE_MS, STEADY
from auth_tokens.web.iam_policy import context_of
from auth_tokens.web.portal_events import REASONS
from tests.docs.markdown import DOCS, anchors, plain, table
from tests.docs.telemetry_calls import telemetry_calls, texts

LOGS, KEYS, CLEANUP = (
    DOCS / "reference" / "logs.md",
    DOCS / "runbook" / "keys.md",
    DOCS / "runbook" / "cleanup.md",
)


def test_the_log_lines_are_what_the_code_writes() -> None:
    written = {name for call in telemetry_calls("outcome", "failure") for name in texts(call.args[0])}

    assert {plain(row["`message`"]) for row in table(LOGS, "Logs", "`message`").rows} == written


def test_the_fields_of_a_log_line_are_those_of_the_code() -> None:
    rows = {plain(row["`message`"]): row["Fields"] for row in table(LOGS, "Logs", "`message`").rows}
    for call in telemetry_calls("outcome"):
        for name in texts(call.args[0]):
            for keyword in call.keywords:
                assert keyword.arg is None or f"`{keyword.arg}`" in rows[name], (name, keyword.arg)


def test_each_detection_rule_has_the_section_that_its_findings_link_to() -> None:
    assert {rule.value for rule in Rule} <= anchors(DOCS / "runbook" / "findings.md")


def test_the_portals_events_are_named() -> None:
    text = (DOCS / "how-to" / "revoke-a-user.md").read_text("utf-8")

    assert all(f"`{name}`" in text for name in REASONS)


def test_the_walk_of_the_keys_is_the_schedules() -> None:
    default = {field.name: field.default for field in fields(Settings)}
    walks = schedules(
        jwks_max_age_s=default["jwks_max_age_s"],
        cleanup_retention_s=default["cleanup_retention_s"],
        signs_by_kms=False,
    )
    rows = {plain(row["Purpose"]): row for row in table(KEYS, "Keys", "Purpose").rows}

    for purpose, walk in walks.items():
        waits = f"published {walk.publish_wait_s} s, retired {walk.retire_wait_s} s"
        assert rows[purpose.value]["Waits, at the default settings"] == waits
    text = KEYS.read_text("utf-8")
    assert f"signs for {walks[Purpose.SIGNING].use_for_s // 86400} days" in text
    assert f"in use for {walks[Purpose.METADATA].use_for_s // 86400};" in text
    assert walks[Purpose.TOKEN_CHAIN].use_for_s == walks[Purpose.METADATA].use_for_s
    leaked = (DOCS / "runbook" / "a-secret-has-leaked.md").read_text("utf-8")
    assert "| at once | the standby key signs everywhere" in leaked


def test_the_limits_of_the_decision_are_the_codes() -> None:
    rows = table(DOCS / "adr/0006-fail-open-and-fail-closed.md", "Decision", "limit").rows
    documented = [(row["at once"], row["then"]) for row in rows]

    assert documented == [
        _as_documented(limit)
        for limit in (
            REFRESH_PER_SESSION,
            GUESSES_PER_SOURCE,
            GUESSES_PER_SITE,
            IAM_PER_PRINCIPAL,
            INTROSPECTION_PER_PRINCIPAL,
        )
    ]


def test_the_limits_of_a_login_are_the_codes() -> None:
    rows = table(DOCS / "reference" / "limits.md", "What counts", "Bucket").rows

    assert [(row["At once"], row["Then"]) for row in rows] == [
        _as_documented(limit)
        for limit in (
            LOGIN_PER_PAIR,
            LOGIN_PER_ACCOUNT,
            LOGIN_FIRST,
            LOGIN_PER_SOURCE,
            LOGIN_PER_SITE,
            LOGIN_PER_KNOWN_NETWORK,
            LOGIN_PER_DEVICE,
        )
    ]


def _as_documented(limit: Limit) -> tuple[str, str]:
    return (str(limit.burst), f"one each {limit.interval_ms / 1000:g} s")


def test_the_authorizers_context_is_the_codes() -> None:
    claims = AccessClaims("u", "s", None, "c", "", "d", 0, "", (), (), 0, 1)
    context = context_of(Validated(claims, Transport.COOKIE))
    rows = table(DOCS / "how-to" / "clients.md", "Another team's API", "Key").rows
    kinds = {"text": str, "number": int}

    assert {plain(row["Key"]): kinds[row["Type"]] for row in rows} == {k: type(v) for k, v in context.items()}


def test_the_cleanups_figures_are_the_codes() -> None:
    kept = {
        plain(row["Rows of"]): row["Kept after that"] for row in table(CLEANUP, "Cleanup", "Rows of").rows
    }
    text = CLEANUP.read_text("utf-8")

    assert kept["auth_token_limits"] == f"{LIMIT_RETENTION_S} s"
    assert kept["auth_token_keys"].startswith(f"{GONE_KEY_RETENTION_S} s;")
    assert kept["auth_token_rollups"].startswith(f"{ROLLUP_RETENTION_S} s,")
    assert f"never shorter than {MIN_RETENTION_S} s" in text
    assert f"sized to take {STEADY.batch_ms} ms" in text
    assert f"batches take {CATCH_UP.batch_ms} ms" in text
    assert f"{RESERVE_MS // 1000} s before its time is up" in text

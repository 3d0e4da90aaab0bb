"""No file tells of the machine that it was written on, of where packages come from, or a secret."""

import base64
import fnmatch
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

# Written so that none of them matches itself here.
PLACES = {
    "a machine's folder": re.compile(r"(?<![\w.])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+)/"),
    "a package registry": re.compile(
        r"\b(?:(?:[a-z]+\.)?pypi\.org|files\.pythonhosted\.org|registry\.(?:npmjs\.org|yarnpkg\.com)"
        r"|(?:deb|security|snapshot)\.debian\.org|archive\.ubuntu\.com|proxy\.golang\.org)\b"
    ),
}
SECRETS = {
    "an AWS access key id": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "an AWS secret key": re.compile(r"(?i)secret_?(?:access_?)?key\W{1,6}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a private JWK": re.compile(r'"d"\s*:\s*"[A-Za-z0-9_-]{43,}"'),
    "a signed JWT": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{43,}"),
    "a code host's or chat's token": re.compile(
        r"\b(?:gh[pousr]_\w{36}|github_pat_\w{40}|xox[abprs]-[\w-]{20})"
    ),
}
OPAQUE = re.compile(r"\b(aut_[a-z]t_)([A-Za-z0-9_-]{100})(?![A-Za-z0-9_-])")
VECTORS = ROOT / "docs" / "token-vectors.json"


@cache
def texts() -> dict[str, str]:
    """What the repository holds, by path; what git ignores is not of it."""
    ignored = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split())]
    return {
        str(path.relative_to(ROOT)): path.read_text("utf-8", errors="replace")
        for path in _files(ROOT, ignored)
    }


def _files(folder: Path, ignored: list[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from _files(path, ignored)
        else:
            yield path


def hits(pattern: re.Pattern[str]) -> list[str]:
    """The places where a pattern occurs; not what stands there, as a report is no place for a secret."""
    return [
        f"{name}:{number}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def real_tokens(text: str) -> set[str]:
    """The opaque tokens in a text whose checksum says that they are tokens: what a secret scanner reports."""
    return {prefix + body for prefix, body in OPAQUE.findall(text) if _checksum_holds(prefix, body)}


def _checksum_holds(prefix: str, body: str) -> bool:
    raw = base64.urlsafe_b64decode(body)
    return zlib.crc32(prefix.encode() + raw[:-4]).to_bytes(4, "big") == raw[-4:]


def test_the_files_looked_at_are_the_repository_s() -> None:
    assert {"template.yaml", ".ci/run", "requirements/dev.txt", "docs/reference/tokens.md"} <= set(texts())
    assert not [name for name in texts() if name.startswith((".git/", ".venv", ".local"))]


@pytest.mark.parametrize("what", PLACES)
def test_no_file_mentions(what: str) -> None:
    assert hits(PLACES[what]) == []


@pytest.mark.parametrize("what", SECRETS)
def test_no_file_holds(what: str) -> None:
    assert hits(SECRETS[what]) == []


def test_the_only_opaque_tokens_are_the_published_test_vectors() -> None:
    published = real_tokens(VECTORS.read_text("utf-8"))

    leaked = [name for name, text in texts().items() if real_tokens(text) - published]

    assert published
    assert leaked == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a machine's folder", "see /" + "work/main"),
        ("a machine's folder", "python=/" + "home/me/venv"),
        ("a package registry", "https://files." + "pythonhosted.org/packages"),
        ("an AWS access key id", "AKIA" + "A" * 16),
        ("an AWS secret key", "aws_secret_access_key = " + "a1+/" * 10),
        ("a private key", "-----BEGIN EC" + " PRIVATE KEY-----"),
        ("a private JWK", '{"d": "' + "x" * 43 + '"}'),
        ("a signed JWT", "Bearer " + ".".join(["eyJ" + "a" * 40] * 2 + ["b" * 86])),
        ("a code host's or chat's token", "ghp_" + "a" * 36),
    ],
)
def test_a_breach_would_be_found(what: str, text: str) -> None:
    assert {**PLACES, **SECRETS}[what].search(text)


def test_a_mistyped_token_is_no_leak_and_a_whole_one_is() -> None:
    payload = b"\1" * 71
    whole = payload + zlib.crc32(b"aut_rt_" + payload).to_bytes(4, "big")

    assert real_tokens("aut_rt_" + base64.urlsafe_b64encode(whole).decode())
    assert not real_tokens("aut_rt_" + base64.urlsafe_b64encode(b"\2" + whole[1:]).decode())

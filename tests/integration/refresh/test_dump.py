"""A full dump of our tables is no credential: nothing in it, however it is dressed up, is accepted as a token."""

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import pytest

from auth_tokens.domain.credentials import Credential, Transport
from auth_tokens.domain.errors import InvalidAccessToken, InvalidGrant
from auth_tokens.domain.grants import DeviceRequest
from auth_tokens.domain.tokens import PREFIXES, SECRET_BYTES, OpaqueToken, TokenKind
from auth_tokens.usecases.exchange import ExchangeRequest, exchange_device_token
from auth_tokens.usecases.introspect import INACTIVE, introspect
from auth_tokens.usecases.refresh import RefreshRequest, refresh
from auth_tokens.usecases.validate import validate
from tests.support.world import CALLER, World

TABLES = ("auth_user_tokens", "auth_token_events", "auth_token_keys", "auth_token_limits")
OPAQUE = tuple(PREFIXES)
LAYOUT_BYTES = 71  # a token's payload without its checksum; docs/reference/tokens.md


def test_nothing_in_a_full_dump_is_accepted_as_a_token(fresh_world: World) -> None:
    world = fresh_world
    alive = _lives(world)
    cells = _dump(world)
    before = cells

    candidates = {text for cell in cells for text in _dressed(cell, alive) if text}
    for text in candidates:
        _assert_refused(world, text)

    assert len(cells) > 100
    assert len(candidates) > 1000
    assert _dump(world) == before  # not even an alarm: no attempt got as far as a write
    for token in alive:
        assert _spend(world, token)


@pytest.mark.parametrize("kind", OPAQUE, ids=lambda kind: kind.value)
def test_not_even_with_the_keys_at_hand(fresh_world: World, kind: TokenKind) -> None:
    """Whoever has the dump and the key service can make right tags and checksums, and still has no secret."""
    world = fresh_world
    alive = [token for token in _lives(world) if token.kind is kind]
    secrets = {cell[at : at + SECRET_BYTES] for cell in _dump(world) for at in range(0, len(cell), 16)}
    stored = [secret for secret in secrets if len(secret) == SECRET_BYTES]

    for token in alive:
        for secret in stored:
            for generation in (token.generation, token.generation + 1):
                forged = replace(token, generation=generation, secret=secret)
                _assert_refused(world, world.shared.codec.encode(forged))

    assert stored
    for token in alive:
        assert _spend(world, token)


def _lives(world: World) -> list[OpaqueToken]:
    """Sessions, browser sessions and devices, new and rotated. Answers their live tokens."""
    parsed = world.shared.codec.parse
    fresh = world.login(world.user())
    rotated = world.refresh(world.refresh(world.login(world.user()).token).token, retry_key="k")
    browser = world.login(world.user(), kind=TokenKind.SESSION)
    device = world.login(world.user(), DeviceRequest(name="phone", remember=True))
    assert device.device_token
    return [
        parsed(fresh.token, TokenKind.REFRESH),
        parsed(rotated.token, TokenKind.REFRESH),
        parsed(device.token, TokenKind.REFRESH),
        parsed(browser.token, TokenKind.SESSION),
        parsed(device.device_token, TokenKind.DEVICE),
    ]


def _dump(world: World) -> list[bytes]:
    """Every cell of our tables, in the order of the rows."""
    cells = []
    for table in TABLES:
        for row in world.sql(f"SELECT * FROM {table} ORDER BY 1"):
            cells += [_bytes(value) for value in row.values() if value is not None]
    return cells


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode()


def _dressed(cell: bytes, alive: list[OpaqueToken]) -> Iterator[str]:
    """A cell as itself, encoded, hashed, and wrapped into the wire form of every live token with a right checksum."""
    digest = sha256(cell).digest()
    for raw in (cell, digest):
        forms = (
            raw.decode("latin-1"),
            raw.hex(),
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        )
        yield from forms
        yield from (prefix + form for prefix in PREFIXES.values() for form in forms)
    yield json.dumps(cell.decode("latin-1"))
    for token in alive:
        head = b"\1" + token.epoch.to_bytes(2, "big") + token.id + token.generation.to_bytes(4, "big")
        for raw in (cell, digest, cell + digest, head + cell, head + digest, head + cell + digest):
            yield _wire(token.kind, raw)


def _wire(kind: TokenKind, payload: bytes) -> str:
    prefix = PREFIXES[kind]
    filled = (payload * LAYOUT_BYTES)[:LAYOUT_BYTES] if payload else bytes(LAYOUT_BYTES)
    checksum = zlib.crc32(prefix.encode() + filled).to_bytes(4, "big")
    return prefix + base64.urlsafe_b64encode(filled + checksum).decode()


def _assert_refused(world: World, text: str) -> None:
    for kind in (TokenKind.REFRESH, TokenKind.SESSION):
        with pytest.raises(InvalidGrant):
            refresh(RefreshRequest(text, kind), CALLER, world.issuing)
    with pytest.raises(InvalidGrant):
        exchange_device_token(ExchangeRequest(text), CALLER, world.issuing)
    for transport in Transport:
        with pytest.raises(InvalidAccessToken):
            validate(Credential(transport, text), world.sessions.validation)
    assert introspect(text, world.sessions) == INACTIVE


def _spend(world: World, token: OpaqueToken) -> object:
    text = world.shared.codec.encode(token)
    if token.kind is TokenKind.DEVICE:
        return exchange_device_token(ExchangeRequest(text), CALLER, world.issuing)
    return refresh(RefreshRequest(text, token.kind), CALLER, world.issuing)

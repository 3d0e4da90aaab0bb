"""Proofs that a request comes from the holder of the session's key (RFC 9449). No input or output: the key is read by
the steps LoadKey and SwapKey, from a store of its own. Needs the extra `dpop`."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from auth_user_tokens.clock import Clock, Instant, elapsed_s
from auth_user_tokens.errors import StoreError
from auth_user_tokens.steps import LoadKey, Send, Steps, SwapKey
from auth_user_tokens.wire import Reply, error_code, origin_of

BEARER, DPOP = "Bearer", "DPoP"
# What a `Date`, which has whole seconds, and its way here may differ by.
_SAME_CLOCK_S = 5.0
# Another clock first, then a nonce.
MAX_TRIES = 3
_REFUSALS = {"use_dpop_nonce", "invalid_dpop_proof"}


class Signing(Protocol):
    """What comes with a request beside its own headers. is_binding: new sessions are bound to a key; kinds: of access
    tokens that can be used, in lower case."""

    is_binding: bool
    kinds: frozenset[str]

    def credential(self, kind: str, token: str, method: str, url: str) -> Steps[dict[str, str]]:
        """The header fields for an access token of a kind, `Bearer` or `DPoP`."""
        ...

    def sent(self, send: Send) -> Steps[Reply]:
        """Sends to the service, and once more what was refused for its proof alone. Raises NoAnswer, Late."""
        ...

    def learn(self, url: str, reply: Reply, sent_at: Instant) -> bool:
        """Keeps what an answer says for the next proof. Gives whether the answer refuses a proof, and the next is
        better."""
        ...

    def thumbprint(self) -> Steps[str]: ...


class NoProofs:
    """Of sessions that are bound to no key."""

    is_binding, kinds = False, frozenset({"bearer"})

    def credential(self, kind: str, token: str, method: str, url: str) -> Steps[dict[str, str]]:
        yield from ()
        return {"Authorization": f"{BEARER} {token}"}

    def sent(self, send: Send) -> Steps[Reply]:
        reply: Reply = yield send
        return reply

    def learn(self, url: str, reply: Reply, sent_at: Instant) -> bool:
        return False

    def thumbprint(self) -> Steps[str]:
        yield from ()
        raise ValueError("this session has no key: Session(…, dpop=…)")


@dataclass(slots=True)
class Proofs:
    """clock: this machine's, which may be wrong; timeout_s: an answer that took longer tells no time."""

    clock: Clock
    timeout_s: float
    is_binding, kinds = True, frozenset({"bearer", "dpop"})
    _key: Key | None = field(default=None, repr=False)
    # By origin, of every answer the last.
    _nonces: dict[str, str] = field(default_factory=dict)
    _ahead_s: float = 0.0

    def credential(self, kind: str, token: str, method: str, url: str) -> Steps[dict[str, str]]:
        if kind.lower() != DPOP.lower():
            return {"Authorization": f"{BEARER} {token}"}
        key = yield from self._loaded()
        return {"Authorization": f"{DPOP} {token}", DPOP: self._proof(key, method, url, token)}

    def sent(self, send: Send) -> Steps[Reply]:
        key = yield from self._loaded()
        for tries in range(1, MAX_TRIES + 1):
            asked, sent_at = send.request, self.clock.now()
            headers = asked.headers
            if DPOP in headers or "Authorization" not in headers:
                token = headers.get("Authorization", "").removeprefix(f"{DPOP} ")
                headers = {**headers, DPOP: self._proof(key, asked.method, asked.url, token)}
            reply: Reply = yield replace(send, request=replace(asked, headers=headers))
            if not self.learn(asked.url, reply, sent_at) or tries == MAX_TRIES:
                break
        return reply

    def learn(self, url: str, reply: Reply, sent_at: Instant) -> bool:
        origin, before = origin_of(url), (self._nonces.get(origin_of(url)), self._ahead_s)
        if nonce := reply.headers.get("dpop-nonce"):
            self._nonces[origin] = nonce
        self._set_clock(reply, sent_at)
        is_better = before != (self._nonces.get(origin), self._ahead_s)
        return is_better and error_code(reply) in _REFUSALS

    def thumbprint(self) -> Steps[str]:
        return (yield from self._loaded()).thumbprint

    def _set_clock(self, reply: Reply, sent_at: Instant) -> None:
        """An answer that was slept through, or that a cache kept, tells no time."""
        now, date = self.clock.now(), reply.date
        if date is None or "age" in reply.headers or elapsed_s(sent_at, now) > self.timeout_s:
            return
        if abs(date - now.wall - self._ahead_s) > _SAME_CLOCK_S:
            self._ahead_s = date - now.wall

    def _proof(self, key: Key, method: str, url: str, token: str) -> str:
        parts = urlsplit(url)
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": f"{parts.scheme}://{parts.netloc}{parts.path or '/'}",
            "iat": int(self.clock.now().wall + self._ahead_s),
        }
        if token:
            claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())
        if nonce := self._nonces.get(origin_of(url)):
            claims["nonce"] = nonce
        return key.signed({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk}, claims)

    def _loaded(self) -> Steps[Key]:
        """The key that all processes have. Whoever is first makes it; raises StoreError where it cannot be read."""
        while self._key is None:
            text: str | None = yield LoadKey()
            if text is None:
                made = Key.made()
                text = made.text if (yield SwapKey(None, made.text)) else None
            self._key = None if text is None else Key.of(text)
        return self._key


class Key:
    """ECDSA on P-256, for ES256. text: PKCS 8 in PEM."""

    def __init__(self, private: Any) -> None:
        from cryptography.hazmat.primitives import serialization

        self._private = private
        form = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        self.text: str = private.private_bytes(serialization.Encoding.PEM, form, plain).decode()
        numbers = private.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        self.jwk: Mapping[str, str] = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        # RFC 7638: the members in order, without spaces.
        self.thumbprint = base64url(hashlib.sha256(_json(self.jwk)).digest())

    def __repr__(self) -> str:
        return f"Key({self.thumbprint!r})"

    @classmethod
    def made(cls) -> Key:
        from cryptography.hazmat.primitives.asymmetric import ec

        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def of(cls, text: str) -> Key:
        """Raises StoreError: no such key."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            private = load_pem_private_key(text.encode(), None)
        except (ValueError, TypeError):
            raise StoreError("the key's store holds no key") from None
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
            raise StoreError("the key's store holds a key of another kind")
        return cls(private)

    def signed(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """RFC 7515 §7.1, RFC 7518 §3.4."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        text = f"{base64url(_json(header))}.{base64url(_json(claims))}"
        r, s = decode_dss_signature(self._private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

"""What a proof has to say (RFC 9449 §4.3, checks 8 to 12). Its form, key and signature are checked elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from auth_tokens.domain.base64url import to_base64url
from auth_tokens.domain.dpop.places import place_of
from auth_tokens.domain.dpop.presented import Place, PresentedProof
from auth_tokens.domain.errors import InvalidProof, ProofOfAnotherTime

# A proof holds for this long, and a client's clock may be ahead by as much.
WINDOW_S = 60
MAX_LENGTH = 4096
MAX_JTI = 256
_SURROGATE = re.compile("[\ud800-\udfff]")


class Proof(NamedTuple):
    """A proof whose signature is good. jkt: the thumbprint of its key; id: names it among all proofs of all keys, the
    same for every spelling of it; nonce: as it says, unchecked."""

    jkt: str
    id: bytes
    nonce: object = None

    @property
    def id_text(self) -> str:
        """`id` in base64url: 22 characters."""
        return to_base64url(self.id)


def check_proof_claims(
    payload: Mapping[str, Any], presented: PresentedProof, token: str | None, now: int
) -> None:
    """token: the access token that comes with the proof; None where none comes, and `ath` says nothing.

    Raises InvalidProof naming the claim; ProofOfAnotherTime. `exp`, `nbf` and `iss` are ignored.
    """
    if payload.get("htm") != presented.method:  # case-sensitive (RFC 9110 §9.1)
        raise InvalidProof("htm")
    _check_htu(payload.get("htu"), presented.places)
    iat = payload.get("iat")
    if type(iat) is not int:
        raise InvalidProof("iat")
    if abs(now - iat) > WINDOW_S:
        raise ProofOfAnotherTime(f"iat {iat} at {now}")
    if token is not None and payload.get("ath") != _ath(token):
        raise InvalidProof("ath")
    jti = payload.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_JTI:
        raise InvalidProof("jti")
    if not jti.isascii() and _SURROGATE.search(jti):
        raise InvalidProof("jti")


def proof_from(payload: Mapping[str, Any], jkt: str) -> Proof:
    """The proof of a payload whose claims and signature are good. Its id is of key and `jti` together, as one client
    must not use up another's; and not of its text, as an ES256 signature has a second spelling (r, n - s)."""
    return Proof(jkt, hashlib.sha256(f"{jkt}{payload['jti']}".encode()).digest()[:16], payload.get("nonce"))


def _check_htu(htu: object, asked: Sequence[Place]) -> None:
    try:
        place = place_of(htu) if isinstance(htu, str) else None
    except ValueError as exc:
        raise InvalidProof(f"htu: {exc}") from exc
    if place in asked:
        return
    if place is None or all(place.origin != one.origin for one in asked):
        # Most often http for https, or a name that a proxy has changed: DPOP_PUBLIC_URLS.
        origins = " or ".join(one.origin for one in asked)
        raise InvalidProof(f"htu: {place.origin[:100] if place else 'none'}, not {origins or 'known here'}")
    raise InvalidProof("htu: another path")


def _ath(token: str) -> str:
    return to_base64url(hashlib.sha256(token.encode()).digest())

"""What goes wrong. No text here has a token in it."""

from __future__ import annotations


class AuthError(Exception):
    """code: the service's `error`, or one of ours: `signed_out` (nobody is signed in), `unreachable` (no answer of the
    service within the time), `bad_answer` (somebody else's answer), `store` (the store failed), `foreign_origin` (a
    request to an origin that is none of `apis`). status: of the HTTP response, None without one. retry_after_s: when
    to try again, None if the service did not say. The session lives on, except after `invalid_grant`."""

    def __init__(
        self, code: str, text: str = "", status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s


class SignedOut(AuthError):
    """Nobody is signed in: never was, signed out, or the session is over. Sign in."""

    def __init__(self, code: str = "signed_out") -> None:
        super().__init__(
            code, "sign in first" if code == "signed_out" else "the session is over; sign in again"
        )


class StoreError(AuthError):
    """The store failed, or holds what this version cannot read. The session lives on."""

    def __init__(self, text: str) -> None:
        super().__init__("store", text)


class NoAnswer(Exception):
    """A sender's: the network failed, or time ran out."""


class Late(Exception):
    """A sender's: the token was read too long ago to be sent now."""

"""A request to an API: with a token, and once more with a newer one where the first was refused."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field

from auth_user_tokens.clock import Clock
from auth_user_tokens.errors import AuthError
from auth_user_tokens.events import Callback, StepUp
from auth_user_tokens.refresher import Refresher, Want
from auth_user_tokens.steps import Call, Steps
from auth_user_tokens.wire import Reply, challenge_of, origin_of

# An API that refuses new tokens, too, has its next refresh this much later, then twice as late, and so on.
_FIRST_PAUSE_S, _MAX_PAUSE_S = 600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Apis:
    """Origins that get the token. gateways: those whose authorizer refuses by a bare 403, as an HTTP API of API Gateway
    does."""

    origins: Collection[str]
    gateways: Collection[str] = ()

    def origin(self, url: str) -> str:
        """Of a request that may have the token. Raises AuthError `foreign_origin`: it may not."""
        try:
            origin = origin_of(url)
        except ValueError as error:
            raise AuthError("foreign_origin", str(error)) from None
        if origin not in self.origins:
            raise AuthError("foreign_origin", f"{origin} is none of `apis`, and gets no token")
        return origin

    def refuses(self, origin: str, reply: Reply) -> bool:
        if reply.status == 403 and origin in self.gateways:
            return _is_bare_refusal(reply.body)
        return reply.status == 401


@dataclass(slots=True)
class Calls:
    refresher: Refresher
    apis: Apis
    clock: Clock
    emit: Callback
    # Of a call that could not be repeated; the next one has another.
    _refused: str | None = field(default=None, repr=False)
    # By origin: how often in a row a refresh for it was of no use, and until when there is none.
    _useless: dict[str, tuple[int, float]] = field(default_factory=dict)

    def call(self, origin: str, can_repeat: bool) -> Steps[None]:
        """Sends the caller's request, and again with another token if it was refused and can be repeated. A Call is the
        last step in any case: its answer is what the caller gets."""
        token = yield from self.refresher.access_token(Want(refused=self._refused))
        reply = yield Call(token)
        if not self.apis.refuses(origin, reply) or self._is_step_up(reply) or self._is_hopeless(origin):
            return
        if not can_repeat:
            self._refused = token
            return
        newer = yield from self.refresher.access_token(Want(refused=token))
        if newer == token:
            return
        reply = yield Call(newer)
        self._judge(origin, is_of_use=not self.apis.refuses(origin, reply))

    def _is_step_up(self, reply: Reply) -> bool:
        """RFC 9470: no refresh helps, only another sign-in."""
        challenge = challenge_of(reply.headers)
        if challenge.get("error") != "insufficient_user_authentication":
            return False
        self.emit(StepUp(challenge))
        return True

    def _is_hopeless(self, origin: str) -> bool:
        return origin in self._useless and self.clock.now().steady < self._useless[origin][1]

    def _judge(self, origin: str, is_of_use: bool) -> None:
        if is_of_use:
            self._useless.pop(origin, None)
            return
        times = self._useless.get(origin, (0, 0.0))[0]
        pause_s = min(_MAX_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(times, 20))
        self._useless[origin] = (times + 1, self.clock.now().steady + pause_s)


def _is_bare_refusal(body: bytes) -> bool:
    try:
        return bool(json.loads(body) == {"message": "Forbidden"})
    except (ValueError, RecursionError):
        return False

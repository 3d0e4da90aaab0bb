"""A request to an API: with a token, and once more with a newer one where the first was refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from auth_user_tokens.clock import Clock
from auth_user_tokens.errors import AuthError, Late, NoAnswer
from auth_user_tokens.events import Callback, StepUp
from auth_user_tokens.proofs import MAX_TRIES, Signing
from auth_user_tokens.records import Tokens
from auth_user_tokens.refresher import Refresher, Want
from auth_user_tokens.steps import AskUser, Call, Send, Steps
from auth_user_tokens.wire import Endpoints, Reply, challenge_of, json_of, origin_of

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


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an API is known to ask for (RFC 9470). acr: space-separated, one of which is enough."""

    acr: str = ""
    max_age_s: int | None = None

    def challenge(self) -> dict[str, str]:
        max_age = {} if self.max_age_s is None else {"max_age": str(self.max_age_s)}
        return {**max_age, **({"acr_values": self.acr} if self.acr else {})}

    def is_met(self, session: Any, now_s: float) -> bool:
        """session: as `GET /auth/session` has it."""
        is_strong = not self.acr or session.get("acr") in self.acr.split()
        return is_strong and (self.max_age_s is None or now_s - session.get("auth_time", 0) <= self.max_age_s)


@dataclass(frozen=True, slots=True)
class Target:
    """A caller's request. can_repeat: its body can be sent again."""

    method: str
    url: str
    can_repeat: bool


@dataclass(slots=True)
class Calls:
    refresher: Refresher
    endpoints: Endpoints
    signing: Signing
    requires: Mapping[str, Requirement]
    timeout_s: float
    apis: Apis
    clock: Clock
    emit: Callback
    # Of a call that could not be repeated; the next one has another.
    _refused: str | None = field(default=None, repr=False)
    # By origin: how often in a row a refresh for it was of no use, and until when there is none.
    _useless: dict[str, tuple[int, float]] = field(default_factory=dict)

    def call(self, target: Target) -> Steps[None]:
        """Sends the caller's request, and again if it was refused and can be repeated: with another token, and after
        the user has authenticated anew. A Call is the last one to be answered: its answer is what the caller gets."""
        required = self._required(target)
        tokens = yield from self.refresher.tokens(Want(refused=self._refused))
        reply = yield from self._sent(target, tokens)
        if not self._refuses(target, reply, required):
            return
        challenge = challenge_of(reply.headers)
        if challenge.get("error") == "insufficient_user_authentication":
            yield from self._raised(target, challenge)
        elif not target.can_repeat:
            if challenge.get("error") != "use_dpop_nonce":
                self._refused = tokens.access_token
        else:
            refused = yield from self._refused_again(target, tokens, required)
            if refused and required:
                yield from self._raised_where_it_lacks(target, required, refused)

    def _refused_again(
        self, target: Target, tokens: Tokens, required: Requirement | None
    ) -> Steps[Tokens | None]:
        """The tokens that are refused after a refresh, where one helps at all; None: the call is answered."""
        origin = origin_of(target.url)
        if self._is_hopeless(origin):
            return tokens
        newer = yield from self.refresher.tokens(Want(refused=tokens.access_token))
        if newer.access_token == tokens.access_token:
            return tokens
        reply = yield from self._sent(target, newer)
        is_refused = self._refuses(target, reply, required)
        if required is None:  # else it may have been the user's authentication
            self._judge(origin, is_of_use=not is_refused)
        return newer if is_refused else None

    def _sent(self, target: Target, tokens: Tokens) -> Steps[Reply]:
        """Signed where the token is bound, and again where the API wants a nonce."""
        for _ in range(MAX_TRIES):
            headers = yield from self.signing.credential(
                tokens.token_type, tokens.access_token, target.method, target.url
            )
            sent_at = self.clock.now()
            reply: Reply = yield Call(headers)
            if not self.signing.learn(target.url, reply, sent_at) or not target.can_repeat:
                break
        return reply

    def _raised(self, target: Target, challenge: Mapping[str, str]) -> Steps[None]:
        """RFC 9470: no refresh helps."""
        step_up = StepUp(challenge)
        self.emit(step_up)
        if (yield AskUser(step_up)) and target.can_repeat:
            tokens = yield from self.refresher.tokens(Want())
            yield from self._sent(target, tokens)

    def _raised_where_it_lacks(self, target: Target, required: Requirement, tokens: Tokens) -> Steps[None]:
        """Where a gateway cannot say what it asks for, what it is known to ask for is compared with what there is."""
        url = self.endpoints.session_url
        credential = yield from self.signing.credential(tokens.token_type, tokens.access_token, "GET", url)
        try:
            # Not through the caller's client, which would take the answer for that of the call.
            asked = self.endpoints.own_session(credential)
            send = Send(asked, self.clock.now(), self.timeout_s, is_needed=False)
            reply = yield from self.signing.sent(send)
        except (NoAnswer, Late):
            return
        session = json_of(reply)
        is_told = reply.status == 200 and isinstance(session, dict)
        if is_told and not required.is_met(session, self.clock.now().wall):
            yield from self._raised(target, required.challenge())

    def _required(self, target: Target) -> Requirement | None:
        return next((found for url, found in self.requires.items() if target.url.startswith(url)), None)

    def _refuses(self, target: Target, reply: Reply, required: Requirement | None) -> bool:
        is_forbidden = required is not None and reply.status == 403
        return is_forbidden or self.apis.refuses(origin_of(target.url), reply)

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

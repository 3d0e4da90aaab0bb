"""How sessions begin and end."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from auth_user_tokens.answers import DeviceOptions, LoginRequest, TokenAnswer
from auth_user_tokens.clock import Clock, Instant
from auth_user_tokens.errors import AuthError, Late, NoAnswer, SignedOut
from auth_user_tokens.events import Callback, SignedIn, SignedOutEvent
from auth_user_tokens.keeper import Keeper, Loaded
from auth_user_tokens.outage import Outage
from auth_user_tokens.proofs import Signing
from auth_user_tokens.records import Device, Saved
from auth_user_tokens.refresher import Asking, Limits, Refresher, Want
from auth_user_tokens.steps import Send, Steps
from auth_user_tokens.wire import Endpoints, Good, Over, Reply, Request, error_of, verdict_of

# How often another process may write between our read and our write.
_MAX_RACES = 5


@dataclass(frozen=True, slots=True)
class SignIns:
    keeper: Keeper
    endpoints: Endpoints
    outage: Outage
    refresher: Refresher
    asking: Asking
    signing: Signing
    clock: Clock
    emit: Callback
    limits: Limits

    def by_password(self, body: LoginRequest) -> Steps[None]:
        """One try: a sign-in is not repeated unasked. The device that the store knows stays the same one, and shows its
        token. Raises AuthError: `invalid_credentials`, `rate_limited` …"""
        loaded = yield from self.keeper.load_anything()
        sent_at = self.clock.now()
        reply = yield from self._sent(self.endpoints.login(_on_device(body, loaded.saved.device)))
        verdict = verdict_of(reply)
        if not isinstance(verdict, Good):
            raise error_of(reply)
        yield from self.adopt(verdict.answer, sent_at)

    def by_device(self) -> Steps[None]:
        """With the device token, by the rules of a refresh. Raises SignedOut: there is none, or it is no good."""
        until_s = self.clock.now().steady + self.limits.retry_for_s
        before = (yield from self.keeper.load()).saved.session
        while True:
            yield from self.outage.pause(until_s)
            loaded = yield from self.keeper.load()
            if loaded.saved.session != before and loaded.saved.session is not None:
                return  # another process did
            if loaded.is_unsaved:
                yield from self.keeper.write_again(loaded)
            elif (yield from self._exchanged(loaded)):
                return

    def adopt(self, answer: TokenAnswer, sent_at: Instant) -> Steps[None]:
        """Keeps a session that has just begun, whatever the store held. Raises AuthError `not_bound`: it is bound to no
        key although this one's are to be, or to a key that is not ours."""
        if (answer["token_type"].lower() == "dpop") != self.signing.is_binding:
            raise AuthError("not_bound", f"the session's tokens are of the type {answer['token_type']}")
        for _ in range(_MAX_RACES):
            loaded = yield from self.keeper.load_anything()
            saved = loaded.saved.signed_in(answer, secrets.token_hex(16), sent_at)
            if (yield from self.keeper.save(loaded.text, saved, sent_at)):
                self.emit(SignedIn(answer["session_id"]))
                return
        raise AuthError("store", "others write all the time")

    def end(self, scope: str, keep_devices: bool) -> Steps[None]:
        """Ends the session (`current`), the user's others (`others`), or both (`all`). Raises AuthError: the service
        was not told. The own session's tokens are gone from the store all the same, but with `others`."""
        try:
            yield from self._told(scope, keep_devices)
        finally:
            if scope != "others":
                yield from self._clear()

    def _exchanged(self, loaded: Loaded) -> Steps[bool]:
        device = loaded.saved.device
        if device is None or device.token is None:
            raise SignedOut()
        sent_at = self.clock.now()
        try:
            verdict = yield from self.asking.ask(self.endpoints.exchange(device), loaded.read_at)
        except Late:
            return False
        match verdict:
            case Good(answer):
                saved = loaded.saved.signed_in(answer, secrets.token_hex(16), sent_at)
                if (yield from self.keeper.save(loaded.text, saved, sent_at)):
                    self.emit(SignedIn(answer["session_id"]))
                    return True
            case Over():
                if (yield from self.keeper.save(loaded.text, _without_device_token(loaded.saved))):
                    raise SignedOut("invalid_grant")
        return False

    def _told(self, scope: str, keep_devices: bool) -> Steps[None]:
        loaded = yield from self.keeper.load()
        if loaded.saved.session is None:
            return
        if scope == "current":
            request = self.endpoints.revoke(loaded.session)
        else:
            tokens = yield from self.refresher.tokens(Want())
            credential = yield from self.signing.credential(
                tokens.token_type, tokens.access_token, "POST", self.endpoints.logout_url
            )
            request = self.endpoints.logout(credential, scope, keep_devices)
        reply = yield from self._sent(request)
        if reply.status not in (200, 204):
            raise error_of(reply)

    def _sent(self, request: Request) -> Steps[Reply]:
        try:
            send = Send(request, self.clock.now(), self.limits.timeout_s)
            reply = yield from self.signing.sent(send)
        except (NoAnswer, Late):
            raise AuthError("unreachable", "the service did not answer") from None
        return reply

    def _clear(self) -> Steps[None]:
        """Of the store what belongs to the session; the device stays known, without its token."""
        for _ in range(_MAX_RACES):
            loaded = yield from self.keeper.load_anything()
            if loaded.saved.session is None:
                return
            if (yield from self.keeper.save(loaded.text, loaded.saved.signed_out(keep_device_token=False))):
                self.emit(SignedOutEvent("here"))
                return


def _on_device(body: LoginRequest, device: Device | None) -> LoginRequest:
    if device is None:
        return body
    known: DeviceOptions = {"id": device.id, **({"token": device.token} if device.token else {})}
    return {**body, "device": {**known, **body.get("device", {})}}


def _without_device_token(saved: Saved) -> Saved:
    return replace(saved, device=replace(saved.device, token=None) if saved.device else None)

"""Peers that do not speak OAuth: their answers in its words, so that the suite can judge them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance.servers import OAuthServer, PasswordServer, Tokens, tokens_from
from tests.conformance.wire import Answer, Call

REFUSED = Answer(400, {"error": "invalid_grant"})


@dataclass(frozen=True, slots=True)
class Translated:
    """A request whose answer is put into the words of RFC 6749 §5."""

    call: Call
    translate: Callable[[Answer], Answer]

    def connect(self) -> None:
        self.call.connect()

    def send(self) -> Answer:
        return self.translate(self.call.send())


class SimpleJwtServer(OAuthServer):
    """djangorestframework-simplejwt: JSON both ways, a pair named `access` and `refresh`."""

    def sign_in(self) -> Tokens:
        return tokens_from(self._pair("/token/", **PasswordServer.user).send())

    def refresh(self, token: str, key: str | None) -> Translated:
        return self._pair(self.token_path, refresh=token)

    def revoke(self, token: str) -> Translated:
        """What it calls not valid counts as revoked, as RFC 7009 §2.2 has it."""
        call = self._json(self.revoke_path, refresh=token)
        return Translated(call, lambda answer: Answer(200) if answer.status == 401 else answer)

    def _pair(self, path: str, **fields: str) -> Translated:
        return Translated(self._json(path, **fields), _pair_in_oauth)

    def _json(self, path: str, **fields: str) -> Call:
        body = json.dumps(fields).encode()
        return Call("POST", self.base_url + path, body, **{"Content-Type": "application/json"})


class CookieServer(OAuthServer):
    """better-auth: a session by cookie, which its own use extends; the cookie is the token."""

    def sign_in(self) -> Tokens:
        user = PasswordServer.user
        credentials = {"email": f"{user['username']}@example.com", "password": user["password"]}
        call = self._call("POST", "/sign-in/email", "", credentials)
        return tokens_from(Translated(call, lambda answer: _cookie_in_oauth(answer, "")).send())

    def refresh(self, token: str, key: str | None) -> Translated:
        call = self._call("GET", self.token_path, token)
        return Translated(call, lambda answer: _cookie_in_oauth(answer, token))

    def revoke(self, token: str) -> Call:
        return self._call("POST", self.revoke_path, token, {})

    def _call(self, method: str, path: str, cookie: str, fields: dict[str, str] | None = None) -> Call:
        body = b"" if fields is None else json.dumps(fields).encode()
        headers = {"Origin": self.base_url, "Cookie": cookie, "Content-Type": "application/json"}
        return Call(method, f"{self.base_url}/api/auth{path}", body, **headers)


def _pair_in_oauth(answer: Answer) -> Answer:
    if answer.status == 401:
        return REFUSED
    renamed = {"access_token": answer.body.get("access"), "refresh_token": answer.body.get("refresh")}
    return Answer(answer.status, {name: value for name, value in renamed.items() if value}, answer.headers)


def _cookie_in_oauth(answer: Answer, shown: str) -> Answer:
    """shown: the cookie that stays where none is set. Without a session the answer is null, or 401 where the session
    ended meanwhile."""
    if answer.status == 401 or (answer.status == 200 and not answer.body):
        return REFUSED
    if answer.status != 200:
        return answer
    cookie = answer.headers.get("set-cookie", shown).split(";")[0]
    body: dict[str, Any] = {"access_token": cookie, "refresh_token": cookie}
    return Answer(answer.status, body, answer.headers)

"""Calls to the service's operators' routes, signed by AWS Signature Version 4, each failure as one sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from deploy.http import Reply, Service
from deploy.sign_in_probe import Call, Unreachable
from tokens_command.problems import Exit, Problem

MAX_TRIES = 4
LONGEST_WAIT_S = 30
_RIGHT = "the right execute-api:Invoke on it (MayAdministerPolicyArn or MayInvestigatePolicyArn, outputs of the stack)"


class Members(dict[str, Any]):
    """The JSON object that a route answers with."""

    def __init__(self, reply: Reply, route: str) -> None:
        super().__init__(reply.answer.body)
        self._route = route

    def __missing__(self, member: str) -> Any:
        raise Problem(
            f"{self._route} answers without {member}: is that the address of the service? (`--url`, `--stack`)",
            Exit.UNREACHABLE,
        )


class SignedService:
    """The service at an address, and who signs.

    sleep: seconds. A limited or unavailable answer is waited for and the call repeated: each may be repeated.
    """

    def __init__(
        self,
        url: str,
        credentials: ReadOnlyCredentials,
        region: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url
        self._service = Service(url)
        self._signer = SigV4Auth(credentials, "execute-api", region)
        self._sleep = sleep

    def get(self, path: str, **query: object) -> Any:
        """The answer's body. query: None leaves one out. Raises Problem."""
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{path}?{urlencode(sorted(given.items()), quote_via=quote)}" if given else path
        return self._called("GET", target, "")

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The answer's body. body: None leaves a member out. Raises Problem."""
        given = {name: value for name, value in body.items() if value is not None}
        return self._called("POST", path, json.dumps(given))

    def each(self, path: str, member: str, **query: object) -> Iterator[Any]:
        """The items of all pages. Raises Problem."""
        cursor = None
        while True:
            page = self.get(path, **query, cursor=cursor)
            yield from page[member]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def public(self, path: str) -> Reply:
        """Of a route that asks for no signature. Raises Problem."""
        return self._reply(Call("GET", path))

    def _called(self, method: str, target: str, body: str) -> Any:
        for attempt in range(1, MAX_TRIES + 1):
            reply = self._reply(self._signed(method, target, body))
            if reply.status not in (429, 503) or attempt == MAX_TRIES:
                break
            self._sleep(_wait_s(reply, attempt))
        if reply.status == 200:
            return Members(reply, f"{method} {target.partition('?')[0]}")
        raise _problem(reply, method, target)

    def _signed(self, method: str, target: str, body: str) -> Call:
        headers = {"Content-Type": "application/json"} if body else {}
        request = AWSRequest(method, self.url + target, data=body, headers=headers)
        self._signer.add_auth(request)
        return Call(method, target, dict(request.headers.items()), body)

    def _reply(self, call: Call) -> Reply:
        try:
            return self._service.reply(call)
        except Unreachable as exc:
            raise Problem(str(exc), Exit.UNREACHABLE) from exc


def _wait_s(reply: Reply, attempt: int) -> int:
    """As the service says; what stands before it may give a date instead (RFC 9110 §10.2.3)."""
    asked = reply.headers.get("retry-after", "")
    return min(LONGEST_WAIT_S, int(asked) if asked.isdecimal() else 2**attempt)


def _problem(reply: Reply, method: str, target: str) -> Problem:
    """What the service says, and what to do about it."""
    answer = reply.answer
    route = f"{method} {target.partition('?')[0]}"
    said = str(answer.body.get("error_description") or answer.body.get("message") or f"status {reply.status}")
    match reply.status:
        case 403:
            sentence = f"The service refuses {route}: {said} Sign by credentials that it knows and that have {_RIGHT}."
            return Problem(sentence, Exit.DENIED)
        case 404:
            return NotThere(f"{route}: {said}")
        case 400 | 413 | 415:
            return Problem(said, Exit.REFUSED)
    return Problem(f"{route} failed: {said} (status {reply.status}). Try again.", Exit.UNREACHABLE)


class NotThere(Problem):
    """The service answers 404."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, Exit.NO)

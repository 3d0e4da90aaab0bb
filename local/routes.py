"""The routes that exist in local mode only: `/`, and those under `/_local`.

GET  /                        the landing page
POST /_local/invoke/FUNCTION  invokes a function by an event; FUNCTION is the name of its folder
GET  /_local/metrics          the functions' metrics so far, as text
GET  /_local/reference/       the API's reference page, where the package that shows it is there
GET  /_local/logs/NAME.log    the end of a function's log file, as text
GET  /_local/running          the id of this run, by which `local.running` finds the service of its checkout
POST /_local/users            adds Portal users for `make traffic`; `{"count": n}` → `{"users": [{"id", "username"}]}`;
                              403 where the Portal's tables are not local mode's own
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping

from local.http.messages import GatewayRequest, GatewayResponse, json_response, message_response
from local.http.visitors import refuse_foreign_host, refuse_foreign_page
from local.runners import FunctionError, PayloadTooLarge, Runner, Throttled
from local.seed import add_population
from local.servers.database.address import Connection

_ALL = "/_local/"
_LANDING = "/"
_READING = ("GET", "HEAD")
_INVOKE = "/_local/invoke/"
_USERS = "/_local/users"
_MAX_USERS = 1000

Reads = Mapping[str, Callable[[str], GatewayResponse]]
"""What a GET returns, by path. A path that ends in a slash has files below it, whose name is the argument."""


class LocalRoutes:
    """Serves the routes; a gateway asks it before it looks at its own.

    names: the name of a function's folder → its logical id. connect: a connection to the database; None where the
    Portal's tables are not local mode's own.
    """

    def __init__(
        self,
        runner: Runner,
        names: Mapping[str, str],
        connect: Callable[[], Connection] | None,
        reads: Reads,
    ) -> None:
        self._runner = runner
        self._names = names
        self._connect = connect
        self._reads = reads

    def __call__(self, request: GatewayRequest) -> GatewayResponse | None:
        """The response; None for a path of the service itself. A request for another host has no path here at all."""
        if refusal := refuse_foreign_host(request):
            return refusal
        if not request.path.startswith(_ALL) and not self._is_landing(request):
            return None
        if refusal := refuse_foreign_page(request):
            return refusal
        if request.method in _READING:
            return self._read(request.path)
        if (request.method, request.path) == ("POST", _USERS):
            return self._add_users(request)
        name = self._names.get(request.path.removeprefix(_INVOKE))
        if name is None or request.method != "POST":
            return message_response(404, "Not Found")
        return self._invoke(name, request)

    def _is_landing(self, request: GatewayRequest) -> bool:
        return request.path == _LANDING and request.method in _READING and _LANDING in self._reads

    def _read(self, path: str) -> GatewayResponse:
        if read := self._reads.get(path):
            return read("")
        for folder, read in self._reads.items():
            if folder.endswith("/") and folder != _LANDING and path.startswith(folder):
                return read(path.removeprefix(folder))
        return message_response(404, "Not Found")

    def _invoke(self, name: str, request: GatewayRequest) -> GatewayResponse:
        try:
            return json_response(200, self._runner.invoke(name, json.loads(request.body or b"{}")))
        except ValueError:
            return message_response(400, "The body is not JSON.")
        except PayloadTooLarge as exc:
            return message_response(413, exc.error_message)
        except Throttled as exc:
            return message_response(429, exc.error_message)
        except FunctionError as exc:
            return json_response(500, {"errorType": exc.error_type, "errorMessage": exc.error_message})

    def _add_users(self, request: GatewayRequest) -> GatewayResponse:
        if self._connect is None:
            return message_response(403, "Local mode did not make this database, and adds no users to it.")
        try:
            count = json.loads(request.body)["count"]
        except (ValueError, KeyError, TypeError):
            count = None
        if type(count) is not int or not 1 <= count <= _MAX_USERS:
            return message_response(400, f"count must be a whole number from 1 to {_MAX_USERS}.")
        with contextlib.closing(self._connect()) as connection:
            users = add_population(connection, count)
        added = [{"id": user.id, "username": user.username} for user in users]
        return json_response(200, {"users": added})

"""Unknown parameters: operators' routes refuse them, as a mistyped filter would return or end more than was meant. All
other routes ignore them (RFC 6749 §3.2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from auth_tokens.domain.errors import InvalidRequest
from auth_tokens.web.requests import Request

_OF_OPERATORS = ("/admin/", "/console/")


@dataclass(frozen=True, slots=True)
class AllowedParameters:
    """The names that a route takes in its query and in its body."""

    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()


_PAGE = AllowedParameters(query=("limit", "cursor"))
_EVENTS = AllowedParameters(
    query=("user_id", "type", "source", "session_id", "severity", "since", "until", "cursor", "limit")
)
_EXPORT = AllowedParameters(query=("format", *(name for name in _EVENTS.query if name != "limit")))
_FINDINGS = AllowedParameters(
    query=("state", "rule", "severity", "user_id", "since", "until", "cursor", "limit")
)
_SUMMARY = AllowedParameters(query=("span_s", "since", "until", "step", "starts"))
_STATE = AllowedParameters(body=("state", "note"))
_LOOK_UP = AllowedParameters(body=("name", "user_id", "id"))
_END = AllowedParameters(body=("reason",))
_END_OF_SESSION = AllowedParameters(body=("reason", "keep_device"))
# An operators' route that is not listed takes none. A test compares docs/openapi.yaml.
ALLOWED_PARAMETERS = {
    "GET /admin/revocations": AllowedParameters(query=("after",)),
    "GET /admin/users/{user_id}/sessions": _PAGE,
    "POST /admin/lookup": _LOOK_UP,
    "GET /admin/users/{user_id}/devices": _PAGE,
    "POST /admin/users/{user_id}/revoke": _END,
    "POST /admin/sessions/{session_id}/revoke": _END_OF_SESSION,
    "POST /admin/devices/{device_id}/revoke": _END,
    "POST /admin/revoke-before": AllowedParameters(
        body=("client_id", "user_id", "before", "reason", "confirm")
    ),
    "GET /admin/security/events": _EVENTS,
    "GET /admin/security/summary": _SUMMARY,
    "GET /admin/security/findings": _FINDINGS,
    "POST /admin/security/findings/{finding_id}/state": _STATE,
    "POST /admin/security/events/replay": AllowedParameters(
        body=("since", "until", "reason", "dry_run", "cursor")
    ),
    "POST /admin/security/events/{event_id}/skip": AllowedParameters(body=("reason",)),
    "POST /admin/security/figures/recount": AllowedParameters(body=("since", "reason")),
    "POST /admin/keys/rotate": AllowedParameters(body=("purpose", "reason")),
    "POST /admin/keys/withdraw": AllowedParameters(body=("kid", "reason")),
    "GET /console/events": _EVENTS,
    "GET /console/events/export": _EXPORT,
    "GET /console/summary": _SUMMARY,
    "GET /console/inbox": AllowedParameters(
        query=("state", "rule", "severity", "user_id", "cursor", "limit")
    ),
    "GET /console/findings": _FINDINGS,
    "POST /console/findings/{finding_id}/state": _STATE,
    "GET /console/findings/{finding_id}/sessions": AllowedParameters(query=("cursor",)),
    "POST /console/lookup": _LOOK_UP,
    "GET /console/users/{user_id}": AllowedParameters(query=("sessions_cursor", "devices_cursor")),
    "POST /console/users/{user_id}/revoke": _END,
    "POST /console/sessions/revoke": AllowedParameters(body=("session_ids", "reason", "keep_devices")),
    "POST /console/sessions/{session_id}/revoke": _END_OF_SESSION,
    "POST /console/devices/{device_id}/revoke": _END,
}


def refuse_unknown_query(request: Request) -> None:
    """Before an operators' route does anything. Raises InvalidRequest naming the parameter and those that exist."""
    if not _is_operators(request):
        return
    taken = allowed_parameters(request.route_key)
    names = [name for name, _ in request.query]
    _refuse_unknown(names, taken.query, "query parameter")
    for name, value in request.query:
        if names.count(name) > 1:
            raise InvalidRequest(f"{name} is repeated.")
        if not value:  # an empty filter is probably a mistake, not the wish for all rows
            raise InvalidRequest(f"{name} is empty.")
    if request.body and not taken.body:
        raise InvalidRequest("This route takes no body.")


def refuse_unknown_members(request: Request, members: Iterable[str]) -> None:
    """The same of a body's members."""
    if _is_operators(request):
        _refuse_unknown(members, allowed_parameters(request.route_key).body, "member")


def allowed_parameters(route: str) -> AllowedParameters:
    """What a route of operators takes."""
    return ALLOWED_PARAMETERS.get(route, AllowedParameters())


def echoed_name(name: str) -> str:
    """A parameter's name if it is safe to echo; other input is never echoed (RFC 6749 §5.2)."""
    return name if name.isascii() and name.replace("_", "").isalpha() and len(name) <= 32 else "A parameter"


def _is_operators(request: Request) -> bool:
    return request.route_key.partition(" ")[2].startswith(_OF_OPERATORS)


def _refuse_unknown(names: Iterable[str], known: tuple[str, ...], kind: str) -> None:
    for name in names:
        if name not in known:
            which = f"it takes {', '.join(known)}" if known else "it takes none"
            raise InvalidRequest(f"{echoed_name(name)} is no {kind} of this route; {which}.")

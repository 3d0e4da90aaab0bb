"""POST /admin/lookup: whose is it? In a body, as names of users belong into no URL and no gateway's log."""

from auth_tokens.domain.errors import InvalidRequest, NotFound
from auth_tokens.domain.user_ids import IdForm
from auth_tokens.usecases.look_up import Found, LookUpDeps, look_up_name, look_up_row, look_up_user
from auth_tokens.web.handler import Route
from auth_tokens.web.issue_bodies import MAX_USERNAME
from auth_tokens.web.request_body import BodyParameters, parse_body
from auth_tokens.web.requests import Request
from auth_tokens.web.responses import Response
from auth_tokens.web.views import found_view

_BY = ("name", "user_id", "id")


def look_up_route(deps: LookUpDeps, ids: IdForm) -> Route:
    """Finds by exactly one of _BY. Raises InvalidRequest, NotFound, Unavailable."""

    def route(request: Request) -> Response:
        found = _found(parse_body(request), deps, ids)
        return Response(body=found_view(found), about={"user_id": found.user_id})

    return route


def _found(parameters: BodyParameters, deps: LookUpDeps, ids: IdForm) -> Found:
    given = [name for name in _BY if parameters.text(name)]
    if len(given) != 1:
        raise InvalidRequest(f"Give exactly one of {', '.join(_BY)}.")
    text = parameters.required_text(given[0], MAX_USERNAME)
    match given[0]:
        case "name":
            return look_up_name(text, deps)
        case "user_id":
            user_id = ids.canonical(text)
            if user_id is None:
                raise NotFound()
            return look_up_user(user_id, deps)
    return look_up_row(text, deps)

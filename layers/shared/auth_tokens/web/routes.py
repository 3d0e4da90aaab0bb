"""All routes of the service, for the answers to unknown paths and wrong methods.

template.yaml deploys them, and HEAD beside each GET; tests/contract holds the two against each other.
"""

import re

ROUTES = (
    "POST /auth/login",
    "POST /auth/issue",
    "POST /auth/step-up",
    "POST /auth/token",
    "POST /auth/revoke",
    "POST /auth/logout",
    "GET /auth/session",
    "GET /auth/sessions",
    "DELETE /auth/sessions/{session_id}",
    "GET /auth/devices",
    "GET /auth/events",
    "PATCH /auth/devices/{device_id}",
    "DELETE /auth/devices/{device_id}",
    "POST /auth/introspect",
    "GET /auth/revocations",
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /admin/revocations",
    "POST /admin/lookup",
    "GET /admin/users/{user_id}/sessions",
    "GET /admin/users/{user_id}/devices",
    "POST /admin/users/{user_id}/revoke",
    "POST /admin/sessions/{session_id}/revoke",
    "POST /admin/devices/{device_id}/revoke",
    "GET /admin/revoke-before",
    "POST /admin/revoke-before",
    "GET /admin/security/events",
    "GET /admin/security/summary",
    "GET /admin/security/findings",
    "GET /admin/security/findings/{finding_id}",
    "POST /admin/security/findings/{finding_id}/state",
    "POST /admin/security/events/replay",
    "POST /admin/security/events/{event_id}/skip",
    "POST /admin/security/figures/recount",
    "GET /admin/debt",
    "GET /admin/keys",
    "POST /admin/keys/rotate",
    "POST /admin/keys/withdraw",
    "GET /pages/{page}",
    "GET /console/summary",
    "GET /console/events",
    "GET /console/events/export",
    "GET /console/inbox",
    "GET /console/findings",
    "GET /console/findings/{finding_id}",
    "POST /console/findings/{finding_id}/state",
    "GET /console/findings/{finding_id}/sessions",
    "POST /console/lookup",
    "GET /console/users/{user_id}",
    "POST /console/users/{user_id}/revoke",
    "POST /console/sessions/revoke",
    "POST /console/sessions/{session_id}/revoke",
    "POST /console/devices/{device_id}/revoke",
)


def allowed_methods(path: str) -> str:
    """The methods that a path takes, as in an Allow header; empty for a path that is no route."""
    methods = {route.split(" ")[0] for route in ROUTES if _matches(route.split(" ")[1], path)}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def path_of_route(path: str, stage: str, base_path: str) -> str:
    """The path without the prefix that another address of the API adds: the stage, the base path of a custom domain's
    mapping, or both in either order. stage, base_path: empty for none.

    A path that already is a route is returned unchanged, as a stage may be called `auth`.
    """
    staged, based = _without(path, f"/{stage}"), _without(path, base_path)
    candidates = (path, staged, based, _without(staged, base_path), _without(based, f"/{stage}"))
    return next((known for known in candidates if allowed_methods(known)), path)


def _without(path: str, prefix: str) -> str:
    return path.removeprefix(prefix) if len(prefix) > 1 and path.startswith(f"{prefix}/") else path


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None

"""All routes of the service, for the answers to unknown paths and wrong methods.

template.yaml deploys them; tests/contract holds the two against each other.
"""

import re

ROUTES = (
    "POST /auth/login",
    "POST /auth/issue",
    "POST /auth/token",
    "POST /auth/revoke",
    "POST /auth/logout",
    "GET /auth/session",
    "GET /auth/sessions",
    "DELETE /auth/sessions/{session_id}",
    "GET /auth/devices",
    "PATCH /auth/devices/{device_id}",
    "DELETE /auth/devices/{device_id}",
    "POST /auth/introspect",
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /admin/users/{user_id}/sessions",
    "POST /admin/users/{user_id}/revoke",
    "GET /admin/security/events",
    "GET /admin/security/summary",
    "GET /pages/{page}",
    "GET /console/summary",
    "GET /console/events",
    "GET /console/users/{user_id}",
    "DELETE /console/users/{user_id}/sessions/{session_id}",
    "DELETE /console/users/{user_id}/devices/{device_id}",
)


def allowed_methods(path: str) -> str:
    """The methods that a path takes, as in an Allow header; empty for a path that is no route."""
    methods = [route.split(" ")[0] for route in ROUTES if _matches(route.split(" ")[1], path)]
    return ", ".join(sorted(methods))


def _matches(template: str, path: str) -> bool:
    pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None

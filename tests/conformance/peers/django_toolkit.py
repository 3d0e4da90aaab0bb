"""django-oauth-toolkit as its documentation sets it up.

Usage: python django_toolkit.py own-defaults|reuse-protection PORT|lines
Environment: PEER_DB_HOST, PEER_DB_PORT, PEER_DB_NAME, PEER_DB_USER, PEER_DB_PASSWORD.
"""

import sys

import django_on_mysql
from starter import CLIENT_ID, PasswordClient, run

MODE = sys.argv[1]
django_on_mysql.configure(
    __name__,
    ["oauth2_provider"],
    OAUTH2_PROVIDER={"REFRESH_TOKEN_REUSE_PROTECTION": True} if MODE == "reuse-protection" else {},
    # It warns of the password grant each time.
    LOGGING={"version": 1, "loggers": {"oauth2_provider": {"level": "ERROR"}}},
)

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402
from oauth2_provider.views.generic import ProtectedResourceView  # noqa: E402


class Protected(ProtectedResourceView):
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"sub": request.resource_owner.pk})


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("protected", Protected.as_view()),
]


if __name__ == "__main__":
    django_on_mysql.prepare()
    Application.objects.create(
        client_id=CLIENT_ID,
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_PASSWORD,
        name="conformance",
    )
    application = get_wsgi_application()
    run(application, PasswordClient(application, "/o/token/"), ["django-oauth-toolkit", "Django"])

"""djangorestframework-simplejwt with its blacklist application, rotation on; tokens signed by HS256, its default.

Usage: python simplejwt.py PORT|lines
Environment: PEER_DB_HOST, PEER_DB_PORT, PEER_DB_NAME, PEER_DB_USER, PEER_DB_PASSWORD.
"""

from datetime import timedelta

import django_on_mysql
from starter import USER, InProcess, Tokens, run

django_on_mysql.configure(
    __name__,
    ["rest_framework", "rest_framework_simplejwt", "rest_framework_simplejwt.token_blacklist"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    SIMPLE_JWT={
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
        # The benchmark runs for longer than the 5 minutes of the default.
        "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    },
)

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_simplejwt.views import (  # noqa: E402
    TokenBlacklistView,
    TokenObtainPairView,
    TokenRefreshView,
)


class Protected(APIView):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"sub": request.user.pk})


urlpatterns = [
    path("token/", TokenObtainPairView.as_view()),
    path("token/refresh/", TokenRefreshView.as_view()),
    path("token/blacklist/", TokenBlacklistView.as_view()),
    path("protected", Protected.as_view()),
]


class SimpleJwt:
    """Its views for a pair of tokens and their rotation, and a view that loads the user."""

    def __init__(self, calls: InProcess) -> None:
        self._calls = calls

    def sign_in(self) -> Tokens:
        body = self._calls.json("/token/", **USER)
        return Tokens(body["refresh"], body["access"])

    def refresh(self, token: str) -> Tokens:
        body = self._calls.json("/token/refresh/", refresh=token)
        return Tokens(body["refresh"], body["access"])

    def validate(self, access_token: str) -> None:
        self._calls.get("/protected", access_token)


if __name__ == "__main__":
    django_on_mysql.prepare()
    application = get_wsgi_application()
    packages = ["djangorestframework-simplejwt", "djangorestframework", "Django"]
    run(application, SimpleJwt(InProcess(application)), packages)

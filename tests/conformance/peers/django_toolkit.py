"""django-oauth-toolkit as its documentation sets it up, on MariaDB, behind waitress.

Usage: python django_toolkit.py PORT own-defaults|reuse-protection
Environment: PEER_DB_HOST, PEER_DB_PORT, PEER_DB_NAME, PEER_DB_USER, PEER_DB_PASSWORD.
"""

import os
import sys

import pymysql

# Django asks for mysqlclient, which needs a compiler; PyMySQL speaks for it.
pymysql.version_info = (2, 2, 7, "final", 0)
pymysql.install_as_MySQLdb()

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402

PORT, MODE = int(sys.argv[1]), sys.argv[2]
USER = {"username": "conformance", "password": "correct horse battery staple"}
THREADS = 8

settings.configure(
    SECRET_KEY="conformance only, for one run on this machine",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=[],
    # A thread keeps its connection, and the password hash costs what a test can pay.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "HOST": os.environ["PEER_DB_HOST"],
            "PORT": os.environ["PEER_DB_PORT"],
            "NAME": os.environ["PEER_DB_NAME"],
            "USER": os.environ["PEER_DB_USER"],
            "PASSWORD": os.environ["PEER_DB_PASSWORD"],
            "CONN_MAX_AGE": 600,
            "OPTIONS": {"ssl_disabled": True},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={"REFRESH_TOKEN_REUSE_PROTECTION": True} if MODE == "reuse-protection" else {},
)
django.setup()

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]


def prepare() -> None:
    """The schema, one user, one public client with the password grant."""
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    User.objects.create_user(**USER)
    Application.objects.create(
        client_id="conformance",
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_PASSWORD,
        name="conformance",
    )


if __name__ == "__main__":
    from waitress import serve

    prepare()
    serve(
        get_wsgi_application(),
        host="127.0.0.1",
        port=PORT,
        threads=THREADS,
        backlog=512,
        connection_limit=512,
    )

"""Django on MariaDB or MySQL, for the peers that are Django applications."""

from typing import Any

import pymysql

# Django asks for mysqlclient, which needs a compiler; PyMySQL speaks for it.
pymysql.version_info = (2, 2, 7, "final", 0)
pymysql.install_as_MySQLdb()

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from starter import USER, database  # noqa: E402


def configure(urls: str, applications: list[str], **more: Any) -> None:
    """Django's settings; `more` adds to them."""
    at = database()
    settings.configure(
        SECRET_KEY="conformance only, for one run on this machine",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=urls,
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *applications],
        MIDDLEWARE=[],
        # The password hash costs what a test can pay: here some microseconds.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.mysql",
                **{key.upper(): value for key, value in at.items()},
                # A thread keeps its connection.
                "CONN_MAX_AGE": 600,
                "OPTIONS": {"ssl_disabled": True},
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        **more,
    )
    django.setup()


def prepare() -> None:
    """The schema by the applications' own migrations, and one user."""
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    User.objects.create_user(**USER)

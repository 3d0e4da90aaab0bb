"""The age of a sign-in, for tests of what asks for a recent one."""

import contextlib

from local.stack import LocalStack


def sign_in_is_old(stack: LocalStack, username: str, minutes: int) -> None:
    """As if the user had authenticated that much longer ago."""
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE auth_user_tokens JOIN auth_users ON auth_users.id = auth_user_tokens.user_id"
            " SET auth_time = auth_time - INTERVAL %s MINUTE WHERE username = %s",
            (minutes, username),
        )

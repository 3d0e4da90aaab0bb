"""The stand-in for RDS Proxy believes an IAM token that says who, where and when, and nothing else."""

from datetime import datetime, timezone

import pytest

from auth_tokens.adapters.mysql.iam_login import RdsLogin, login_token
from local.http.sigv4 import WINDOW_S
from local.servers.rds_proxy.iam import MAX_AGE_S, TokenRefused, check_token, signing_key

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_SESSION_TOKEN": "of/a+role==",
    "AWS_REGION": "eu-west-1",
}
KEY = signing_key(CREDENTIALS)
NOW = 1_800_000_000
USER, HOST, PORT = "auth_tokens_writer", "proxy.example", 3306


def token(
    user: str = USER,
    host: str = HOST,
    port: int = PORT,
    region: str = "eu-west-1",
    key_id: str = KEY.access_key,
    secret: str = KEY.secret_key,
    session: str = KEY.session_token,
    at: int = NOW,
) -> str:
    credentials = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": session}
    return login_token(
        RdsLogin(host, port, user, region), credentials, now=datetime.fromtimestamp(at, timezone.utc)
    )


def check(presented: str) -> None:
    check_token(presented, USER, f"{HOST}:{PORT}", KEY, NOW)


@pytest.mark.parametrize(
    "presented",
    [token(), token(at=NOW - MAX_AGE_S), token(at=NOW + WINDOW_S)],
    ids=["now", "15 minutes old", "a clock ahead"],
)
def test_a_token_of_this_user_proxy_and_time_is_believed(presented: str) -> None:
    check(presented)


REFUSED = {
    "of another user": token(user="auth_tokens_reader"),
    "for another host": token(host="other.example"),
    "for another port": token(port=3307),
    "of another region": token(region="us-east-1"),
    "of an unknown key": token(key_id="AKIAOTHER"),
    "signed by another secret": token(secret="guessed"),
    "without the role's session token": token(session=""),
    "older than 15 minutes": token(at=NOW - MAX_AGE_S - 1),
    "of a time to come": token(at=NOW + WINDOW_S + 1),
    "with another user put in": token(user="auth_tokens_reader").replace("reader", "writer"),
    "with a longer life put in": token().replace("X-Amz-Expires=900", "X-Amz-Expires=9000"),
    "with another action": token().replace("Action=connect", "Action=drop"),
    "with a parameter added": token() + "&x=1",
    "with the user twice": token(user="auth_tokens_reader").replace("/?", f"/?DBUser={USER}&"),
    "without a signature": token().partition("&X-Amz-Signature")[0],
    "for another service": token().replace("rds-db", "execute-api"),
    "a password": "secret",
    "nothing": "",
}


def test_a_users_key_has_no_session_token() -> None:
    key = signing_key({**CREDENTIALS, "AWS_SESSION_TOKEN": ""})

    check_token(token(session=""), USER, f"{HOST}:{PORT}", key, NOW)


@pytest.mark.parametrize("presented", REFUSED.values(), ids=REFUSED)
def test_a_token_is_refused_that_is(presented: str) -> None:
    with pytest.raises(TokenRefused):
        check(presented)

"""The RDS login token is boto3's, byte for byte."""

from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from auth_tokens.adapters.mysql.iam_login import RdsLogin, login_token

HOST, PORT, USER, REGION = (
    "Proxy.example.eu-west-1.rds.amazonaws.com",
    3306,
    "auth_tokens_writer",
    "eu-west-1",
)
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret/with+signs="}
SESSION = "session/token+with=signs&more"


def boto3_token(host: str, user: str, session_token: str | None) -> str:
    session = boto3.Session(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], session_token, REGION)
    token: str = session.client("rds").generate_db_auth_token(host, PORT, user, REGION)
    return token


@pytest.mark.parametrize("session_token", [None, SESSION], ids=["long-lived keys", "a role's keys"])
@pytest.mark.parametrize("user", [USER, "user with space/and@signs"])
def test_a_token_is_what_boto3_makes_of_the_same_second(user: str, session_token: str | None) -> None:
    expected = boto3_token(HOST, user, session_token)
    [stamp] = parse_qs(urlsplit(f"https://{expected}").query)["X-Amz-Date"]
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    credentials = KEYS | ({"AWS_SESSION_TOKEN": session_token} if session_token else {})

    token = login_token(RdsLogin(HOST, PORT, user, REGION), credentials, now=at)

    assert token == expected

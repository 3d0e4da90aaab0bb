"""What the running functions count is what docs/reference/metrics.md lists, and can be looked at locally."""

from local.client import Client
from local.seed import PASSWORD, USERS
from local.stack import JOBS_HTTP, LocalStack
from tests.docs.markdown import DOCS, plain, table

DOCUMENTED = {
    plain(row["Metric"]): row["Unit"]
    for row in table(DOCS / "reference" / "metrics.md", "Metrics", "Metric").rows
}


def figures(client: Client) -> dict[str, float]:
    page = client.get("/_local/metrics").body.decode()
    rows = [line.split() for line in page.splitlines()[1:]]
    assert {name: unit for name, unit, *_ in rows}.items() <= DOCUMENTED.items()
    return {name: float(total) for name, _, total, *_ in rows}


def refreshed(client: Client, token: str) -> object:
    """The next refresh token; None where the service refused."""
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    return client.form("/auth/token", fields).json.get("refresh_token")


def test_a_login_a_refresh_its_repeat_a_reuse_and_a_validation_are_counted(lambda_stack: LocalStack) -> None:
    client = Client(lambda_stack.base_url)
    before = figures(client)

    tokens = client.post("/auth/login", {"username": USERS[1].username, "password": PASSWORD}).json
    client.post("/auth/login", {"username": USERS[1].username, "password": "wrong"})
    client.get(f"{JOBS_HTTP}/jobs", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    successor = refreshed(client, tokens["refresh_token"])
    assert refreshed(client, tokens["refresh_token"]) == successor
    refreshed(client, successor)
    refreshed(client, tokens["refresh_token"])

    after = figures(client)
    gained = {name: after[name] - before.get(name, 0) for name in after}
    assert gained.pop("DatabaseTime") > 0
    assert 0 <= gained.pop("RevocationStaleness") <= 5
    assert {name: value for name, value in gained.items() if value} == {
        "LoginSucceeded": 1,
        "NewDevice": 1,
        "LoginFailed": 1,
        "AuthorizerAllowed": 1,
        "Refreshed": 2,
        "RefreshRepeated": 1,
        "TokenReuseDetected": 1,
    }

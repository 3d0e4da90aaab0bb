"""RDS IAM login tokens, presigned by the standard library: boto3's signer would cost the authorizer
some 400 ms of cold start. tests/unit/adapters/mysql holds it byte for byte against boto3's."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote, urlencode

_LIFETIME_S = 900
_SERVICE = "rds-db"


@dataclass(frozen=True, slots=True)
class RdsLogin:
    """A database user at an endpoint of RDS or RDS Proxy."""

    host: str
    port: int
    user: str
    region: str


def login_token(login: RdsLogin, credentials: Mapping[str, str], *, now: datetime | None = None) -> str:
    """A password for one connection attempt within 15 minutes (SigV4 query presigning, service rds-db).

    credentials: as Lambda puts them into the environment; now: UTC.
    """
    at = now or datetime.now(timezone.utc)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    scope = f"{day}/{login.region}/{_SERVICE}/aws4_request"
    query = {
        "Action": "connect",
        "DBUser": login.user,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials['AWS_ACCESS_KEY_ID']}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(_LIFETIME_S),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.get("AWS_SESSION_TOKEN"):
        query["X-Amz-Security-Token"] = credentials["AWS_SESSION_TOKEN"]
    canonical_query = _encoded(sorted(query.items()))
    empty_hash = hashlib.sha256(b"").hexdigest()
    request = f"GET\n/\n{canonical_query}\nhost:{login.host.lower()}:{login.port}\n\nhost\n{empty_hash}"
    request_hash = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{request_hash}"
    key = ("AWS4" + credentials["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in (day, login.region, _SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{login.host}:{login.port}/?{_encoded(query.items())}&X-Amz-Signature={signature}"


def _encoded(query: Iterable[tuple[str, str]]) -> str:
    return urlencode(list(query), quote_via=quote, safe="-_.~")

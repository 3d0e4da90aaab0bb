"""A Portal by its own packages, and the whole service over HTTP beside it."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from local.client import Client, Reply
from local.options import RunnerOptions, ServerOptions
from local.servers.aws import LocalAws
from local.servers.database.address import DatabaseAddress
from local.stack import LocalStack
from tests.support.legacy_portal import LegacyPortal, LegacyWindow, mapping, running_portal, written
from tests.support.throttles import UNTHROTTLED

ORIGIN = "https://portal.test"
COOKIE = "portalRefresh"
OPEN = LegacyWindow()


@dataclass(frozen=True, slots=True)
class Served:
    stack: LocalStack
    portal: LegacyPortal
    client: Client

    def token(self, user: str | None = None, **members: Any) -> str:
        """A token of the Portal, of a new user where none is named."""
        return self.portal.sign_in(user or self.portal.people(1)[0], **members)

    def refresh(self, token: str, headers: Mapping[str, str] = MappingProxyType({}), **fields: str) -> Reply:
        """The token endpoint with a token, the Portal's or ours."""
        form = {"grant_type": "refresh_token", "refresh_token": token, **fields}
        return self.client.form("/auth/token", form, headers=dict(headers))

    def revoke(self, token: str, headers: Mapping[str, str] = MappingProxyType({}), **fields: str) -> Reply:
        """RFC 7009, with a token of the Portal's or ours."""
        return self.client.form("/auth/revoke", {"token": token, **fields}, headers=dict(headers))

    def live_sessions(self, user: str) -> int:
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM auth_user_tokens WHERE user_id = %s AND type <> 'device'"
                " AND revoked_at IS NULL",
                (user,),
            )
            [[count]] = cursor.fetchall()
        return int(count)


def document_of(portal: LegacyPortal, window: LegacyWindow = OPEN) -> dict[str, Any]:
    """The mapping that fits."""
    return mapping("integer", portal.address.name, window=window, cookie=COOKIE)


@contextlib.contextmanager
def served(
    portal: LegacyPortal,
    own: DatabaseAddress,
    aws: LocalAws,
    folder: Path,
    window: LegacyWindow = OPEN,
    *,
    in_process: bool = True,
    passwords: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Served]:
    """The service on `own`. passwords, parameters: as of local.stack."""
    with LocalStack(
        {**UNTHROTTLED, "AllowedOrigins": ORIGIN, **parameters},
        servers=ServerOptions(
            database=own,
            aws=aws,
            passwords=passwords,
            portal_map=str(written(document_of(portal, window), folder)),
            seeds=False,
        ),
        runner=RunnerOptions(in_process=in_process),
    ) as stack:
        stack.invoke("rotate_keys", {})  # makes the first keys, as its schedule does
        yield Served(stack, portal, Client(stack.base_url))


@contextlib.contextmanager
def portal_at(address: DatabaseAddress) -> Iterator[LegacyPortal]:
    """The Portal with integers, in an empty schema."""
    with running_portal("integer", address) as portal:
        yield portal

"""The life of a session by the client that openapi-python-client made, as a user of it would write it.

Usage: python life.py FOLDER_OF_THE_CLIENT < {"baseUrl", "username", "password"} as JSON. Prints what it saw as JSON.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from generated import AuthenticatedClient, Client
from generated.api.devices import list_devices
from generated.api.discovery import get_keys
from generated.api.sessions import list_sessions, log_out
from generated.api.sign_in import login
from generated.api.tokens import request_token, revoke_token
from generated.models import (
    LoginDeviceOptions,
    LoginRequest,
    RefreshTokenGrant,
    RevokeRequest,
    TokenRequestError,
    TokenResponse,
)

given = json.load(sys.stdin)
anyone = Client(base_url=given["baseUrl"])

device = LoginDeviceOptions(name="generated", remember=True)
signed_in = login.sync(
    client=anyone,
    body=LoginRequest(username=given["username"], password=given["password"], device=device),
)
assert isinstance(signed_in, TokenResponse), signed_in

grant = RefreshTokenGrant(grant_type="refresh_token", refresh_token=signed_in.refresh_token)
refreshed, repeated = (
    request_token.sync(client=anyone, body=grant, idempotency_key="generated") for _ in range(2)
)
assert isinstance(refreshed, TokenResponse), refreshed
assert isinstance(repeated, TokenResponse), repeated

me = AuthenticatedClient(base_url=given["baseUrl"], token=refreshed.access_token)
sessions, devices, keys = (
    list_sessions.sync(client=me),
    list_devices.sync(client=me),
    get_keys.sync(client=me),
)
signed_out = log_out.sync_detailed(client=me)
revoked = revoke_token.sync_detailed(client=anyone, body=RevokeRequest(token=refreshed.refresh_token))
refused = request_token.sync(client=anyone, body=grant)
assert isinstance(refused, TokenRequestError), refused

print(
    json.dumps(
        {
            "same_successor": refreshed.refresh_token == repeated.refresh_token,
            "current": [session.device_name for session in sessions.sessions if session.current],
            "remembered": [device.name for device in devices.devices if device.current and device.remembered],
            "keys": [key.alg for key in keys.keys],
            "signed_out": signed_out.status_code,
            "revoked": revoked.status_code,
            "refused": str(refused.error),
        }
    )
)

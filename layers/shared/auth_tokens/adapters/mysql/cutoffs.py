"""auth_token_cutoffs: «everything before T has ended», and the rows of auth_user_tokens that it covers."""

from auth_tokens.domain.acr import DEVICE_ACR


def began_at(row: str) -> str:
    """When a session or device began. A device began when it was last remembered. A session that a device token opened
    began with that device, as it rests on that token."""
    return f"""CASE
        WHEN {row}.type = 'device' THEN GREATEST({row}.created_at, {row}.auth_time)
        WHEN {row}.acr = '{DEVICE_ACR}' THEN {row}.auth_time
        ELSE {row}.created_at
      END"""


# Index: primary key, of a table with a row a client at most.
IS_CUT_OFF = f"""EXISTS (
    SELECT 1 FROM auth_token_cutoffs AS c
    WHERE c.client_id IN ('', t.client_id) AND c.before_at >= {began_at("t")})"""

"""auth_token_cutoffs: «everything before T has ended», and the rows of auth_user_tokens that it covers."""

from auth_tokens.domain.acr import DEVICE_ACR, LEGACY_ACR


def began_at(row: str) -> str:
    """When a session or device began (domain.sessions.TokenRecord.began_at)."""
    return f"""CASE
        WHEN {row}.acr IN ('{DEVICE_ACR}', '{LEGACY_ACR}') THEN {row}.auth_time
        WHEN {row}.type = 'device' THEN GREATEST({row}.created_at, {row}.auth_time)
        ELSE {row}.created_at
      END"""


# Index: primary key, of a table with a row a client at most.
IS_CUT_OFF = f"""EXISTS (
    SELECT 1 FROM auth_token_cutoffs AS c
    WHERE c.client_id IN ('', t.client_id) AND c.before_at >= {began_at("t")})"""

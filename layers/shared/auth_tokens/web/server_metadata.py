"""Authorization server metadata (RFC 8414)."""

from collections.abc import Mapping, Sequence
from typing import Any

from auth_tokens.web.grant_types import DEVICE_TOKEN_GRANT, REFRESH_GRANT
from auth_tokens.web.responses import PROOF_ALGORITHMS


def server_metadata(
    issuer: str, clients: Mapping[str, str], acr_values: Sequence[str], *, binds: bool = False
) -> dict[str, Any]:
    """What OAuth clients read to find their way. issuer: byte-equal to the `iss` claim; acr_values: RFC 9470 §7; binds:
    whether tokens are bound to the keys of proofs (RFC 9449 §5.1)."""
    scopes = sorted({scope for allowed in clients.values() for scope in allowed.split()})
    binding = {"dpop_signing_alg_values_supported": PROOF_ALGORITHMS.split()} if binds else {}
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/auth/token",
        "revocation_endpoint": f"{issuer}/auth/revoke",
        "introspection_endpoint": f"{issuer}/auth/introspect",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": scopes,
        # No authorization endpoint, so no response types; the member is required (§2).
        "response_types_supported": ["none"],
        "grant_types_supported": [REFRESH_GRANT, DEVICE_TOKEN_GRANT],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "acr_values_supported": list(acr_values),
        **binding,
    }

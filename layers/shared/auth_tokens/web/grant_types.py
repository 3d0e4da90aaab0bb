"""Grant types and token types of the token endpoint."""

REFRESH_GRANT = "refresh_token"
DEVICE_TOKEN_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_TOKEN_TYPE = "urn:auth-user-tokens:token-type:device"

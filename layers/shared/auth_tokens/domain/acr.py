"""How a session was opened that rests on no sign-in of its own (RFC 9068 §2.2.1)."""

# `acr` of a session that a device token opened.
DEVICE_ACR = "urn:auth-user-tokens:acr:device"
# Of a session or device that was taken over from the Portal.
LEGACY_ACR = "urn:auth-user-tokens:acr:legacy"
# Such a session began at its auth_time, as far as an end of everything before an instant is concerned.
RESTING_ACRS = frozenset({DEVICE_ACR, LEGACY_ACR})

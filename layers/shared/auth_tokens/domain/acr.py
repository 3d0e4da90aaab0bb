"""How a session was opened that rests on no sign-in of its own (RFC 9068 §2.2.1)."""

# `acr` of a session that a device token opened.
DEVICE_ACR = "urn:auth-user-tokens:acr:device"

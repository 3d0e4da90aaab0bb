"""How well users were recognised: the values of `acr` that this service issues, and their order (RFC 9068 §2.2.1)."""

# `acr` of a session that a device token opened, which rests on no sign-in of its own.
DEVICE_ACR = "urn:auth-user-tokens:acr:device"
# Of a session or device that was taken over from the Portal.
LEGACY_ACR = "urn:auth-user-tokens:acr:legacy"
# Such a session began at its auth_time, as far as an end of everything before an instant is concerned.
RESTING_ACRS = frozenset({DEVICE_ACR, LEGACY_ACR})
# How well a sign-in by password recognised the user; a backend states an acr of its own.
PASSWORD_ACR = "urn:auth-user-tokens:acr:password"
# Where the setting ACR_ORDER says nothing else: from the weakest to the strongest.
ACR_ORDER = (LEGACY_ACR, DEVICE_ACR, PASSWORD_ACR)


def may_replace(acr: str, held: str, order: tuple[str, ...]) -> bool:
    """May a new authentication of class `acr` take the place of the one that a session holds?

    Only an equal or stronger one. Any class is stronger than none (an empty `held`). A class that `order` does not have
    can be compared with itself alone.
    """
    if acr == held or not held:
        return True
    return acr in order and held in order and order.index(acr) > order.index(held)


def classes_that_may_replace(held: str, order: tuple[str, ...]) -> tuple[str, ...]:
    """The classes to ask for where a session's authentication is too old: as strong as the one it holds, and no weaker
    than a password, the weakest thing that can be asked of a person."""
    if held and held not in order:
        return (held,)
    least = max(order.index(PASSWORD_ACR), order.index(held) if held else 0)
    return order[least:]

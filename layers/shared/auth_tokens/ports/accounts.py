"""Users and their passwords."""

from typing import Protocol

from auth_tokens.domain.sign_ins import Account


class Portal(Protocol):
    """The Portal's own tables: read only, but for an upgraded password hash."""

    @property
    def upgrades_hashes(self) -> bool:
        """Whether a login may replace an older hash. Not while other code of the Portal verifies it."""

    def account_by_name(self, canonical_name: str) -> Account | None:
        """The account whose canonical user name this is."""

    def account_by_id(self, user_id: str) -> Account | None:
        """The account of an id."""

    def upgrade_password_hash(self, user_id: str, old_hash: str, new_hash: str) -> bool:
        """Replace a hash; False where the old one stays: somebody changed it meanwhile, its column has no room for the
        new one, or it could not be written. No login fails for it."""


class PasswordHasher(Protocol):
    def verify(self, password: str, password_hash: str | None) -> bool:
        """Is it the password? None returns False and takes as long."""

    def upgraded(self, password: str, password_hash: str) -> str | None:
        """A hash by today's parameters, where this one is older."""

"""For the document of revocations."""

from auth_tokens.adapters.mysql.told_revocations import ToldRevocations
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.signing import signer
from auth_tokens.usecases.tell_revocations import TellDeps


def telling(shared: Container) -> TellDeps:
    """Dependencies of tell_revocations."""
    settings = shared.settings
    return TellDeps(
        ToldRevocations(shared.database),
        signer(shared),
        settings.issuer,
        settings.revocation_max_staleness_s,
        settings.revocation_fail_after_s,
    )

"""For the document of revocations."""

from auth_tokens.adapters.mysql.published_revocations import PublishedRevocations
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.signing import signer
from auth_tokens.usecases.publish_revocations import PublishRevocationsDeps


def publishing_revocations(shared: Container) -> PublishRevocationsDeps:
    """Dependencies of publish_revocations."""
    settings = shared.settings
    return PublishRevocationsDeps(
        PublishedRevocations(shared.database),
        signer(shared),
        settings.issuer,
        settings.revocation_max_staleness_s,
        settings.revocation_fail_after_s,
    )

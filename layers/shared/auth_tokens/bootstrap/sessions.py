"""For revoke, sessions, introspect and console: credentials are checked against the database itself."""

from auth_tokens.bootstrap.ciphers import metadata_cipher
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.first_proof import own_proofs
from auth_tokens.bootstrap.keys import codec, keys
from auth_tokens.bootstrap.public_keys import verifier
from auth_tokens.bootstrap.store import store
from auth_tokens.usecases.session_deps import SessionDeps


def sessions(shared: Container) -> SessionDeps:
    """Dependencies for existing sessions and devices."""
    settings = shared.settings
    return SessionDeps(
        codec=codec(shared),
        store=store(shared),
        policy=settings.policy(),
        verifier=verifier(shared),
        clock=shared.clock,
        cipher=metadata_cipher(shared),
        issuer=settings.issuer,
        audience=settings.audience,
        keys=keys(shared),
        proofs=own_proofs(shared),
    )

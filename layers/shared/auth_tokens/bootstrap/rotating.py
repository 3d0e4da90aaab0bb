"""For rotate_keys."""

from auth_tokens.adapters.key_register import MySqlKeyRegister
from auth_tokens.bootstrap.container import Container
from auth_tokens.bootstrap.events import event_log
from auth_tokens.bootstrap.key_table import key_table
from auth_tokens.bootstrap.keys import keys
from auth_tokens.bootstrap.signing import kms_signing_keys, signing_key_maker
from auth_tokens.domain.key_steps import schedules
from auth_tokens.domain.keys import Purpose
from auth_tokens.usecases.rotate_keys import RotateKeysDeps


def rotating(shared: Container) -> RotateKeysDeps:
    """Dependencies of key rotation."""
    settings = shared.settings
    makers = {
        Purpose.SIGNING: signing_key_maker(shared, kms_signing_keys(shared)).candidates,
        Purpose.TOKEN_CHAIN: keys(shared).candidates,
        Purpose.METADATA: keys(shared).candidates,
    }
    return RotateKeysDeps(
        keys=MySqlKeyRegister(key_table(shared), makers),
        events=event_log(shared),
        clock=shared.clock,
        schedules=schedules(
            jwks_max_age_s=settings.jwks_max_age_s,
            cleanup_retention_s=settings.cleanup_retention_s,
            signs_by_kms=settings.signing_mode == "kms",
        ),
    )

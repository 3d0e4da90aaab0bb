"""A recent authentication: what the routes ask for that end other sessions and devices of the user."""

from dataclasses import dataclass

from auth_tokens.domain.acr import classes_that_may_replace
from auth_tokens.domain.credentials import Validated
from auth_tokens.domain.errors import StepUpNeeded
from auth_tokens.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class RecentAuthentication:
    """max_age_s: how long ago it may be (setting SENSITIVE_MAX_AUTH_AGE_S), 0 for any time; acr_order: from the weakest
    class to the strongest."""

    max_age_s: int
    acr_order: tuple[str, ...]
    clock: Clock

    def require(self, caller: Validated) -> Validated:
        """The caller, if it authenticated recently. Raises StepUpNeeded, with the classes that a step-up may be of
        (RFC 9470 §3): none that is weaker than the session's own."""
        claims = caller.claims
        if self.max_age_s and self.clock() - claims.auth_time > self.max_age_s:
            acr_values = classes_that_may_replace(claims.acr, self.acr_order)
            raise StepUpNeeded(acr_values, self.max_age_s).of(claims.ids)
        return caller

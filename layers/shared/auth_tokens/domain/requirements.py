"""Requirements beyond a good credential: of a deployment of the authorizer, of the operators' pages."""

from dataclasses import dataclass

from auth_tokens.domain.claims import AccessClaims
from auth_tokens.domain.errors import InsufficientScope, StepUpNeeded


@dataclass(frozen=True, slots=True)
class Requirements:
    """scope: space-separated, all needed; acr_values: one of them, or empty for any; max_auth_age_s: None for any."""

    scope: str = ""
    acr_values: tuple[str, ...] = ()
    max_auth_age_s: int | None = None

    def check(self, claims: AccessClaims, now: int) -> None:
        """Raises InsufficientScope (RFC 6750 §3.1) or StepUpNeeded (RFC 9470 §3)."""
        if self.scope and not set(self.scope.split()) <= set(claims.scope.split()):
            raise InsufficientScope(self.scope)
        is_strong = not self.acr_values or claims.acr in self.acr_values
        is_recent = self.max_auth_age_s is None or now - claims.auth_time <= self.max_auth_age_s
        if not (is_strong and is_recent):
            raise StepUpNeeded(self.acr_values, self.max_auth_age_s)

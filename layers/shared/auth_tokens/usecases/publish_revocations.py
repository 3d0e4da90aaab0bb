"""What was revoked, for verifiers outside API Gateway: signed, so that nobody on the way can leave anything out."""

from dataclasses import dataclass

from auth_tokens.domain.errors import OtherHistory
from auth_tokens.domain.published_revocations import STATEMENT_TYPE, place_of, published_ids, statement
from auth_tokens.ports.published_revocations import RevocationEntries, StatementSigner

# Rows of one document. One has 8 to 256 bytes of ids, 1.3 MB in all; Lambda returns 6 MB at most, with the ids in
# base64url.
PAGE = 5000
# Beyond it a verifier asks about each token.
MAX_NUMBERS = 1_000_000


@dataclass(frozen=True, slots=True)
class PublishRevocationsDeps:
    """max_staleness_s: how old a verifier's knowledge may be; fail_after_s: how long it goes on without the service."""

    entries: RevocationEntries
    signer: StatementSigner
    issuer: str
    max_staleness_s: int
    fail_after_s: int


def publish_revocations(cursor: str | None, deps: PublishRevocationsDeps) -> dict[str, str]:
    """The document after a cursor, or the first part of all. Raises InvalidRequest, OtherHistory, Unavailable."""
    place = place_of(cursor)
    state = deps.entries.state(place.settled)
    if place.settled and state.anchor != place.anchor:
        raise OtherHistory("anchor")
    is_overflow = state.width > MAX_NUMBERS
    entries = [] if is_overflow else deps.entries.after(place.read_to, PAGE)
    is_complete = len(entries) < PAGE
    ids = published_ids(entries)
    claims = {
        "iss": deps.issuer,
        "as_of": state.now_s,
        "after": cursor or "",
        # After an overflow all is read again.
        "next": "" if is_overflow else place.after(entries, state.now_s, is_complete=is_complete).cursor,
        "complete": is_complete,
        "overflow": is_overflow,
        "cutoffs": [
            {"client_id": cutoff.client_id, "before": cutoff.before, "decided_at": cutoff.decided_at}
            for cutoff in state.cutoffs
        ],
        "max_staleness_s": deps.max_staleness_s,
        "fail_after_s": deps.fail_after_s,
    }
    return {"statement": deps.signer.sign(statement(ids, claims), STATEMENT_TYPE), "ids": ids}

"""The proof in a request's header field `DPoP` (RFC 9449 §4.1)."""

from auth_tokens.domain.dpop.presented import Place, PresentedProof
from auth_tokens.web.request_head import RequestHead


def presented_proof(head: RequestHead) -> PresentedProof | None:
    """As it is, also if it is none; None without the field."""
    text = head.headers.get("dpop")
    if text is None:
        return None
    return PresentedProof(text, head.method, tuple(Place(*place) for place in head.places()))

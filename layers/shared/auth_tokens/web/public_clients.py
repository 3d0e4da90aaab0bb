"""All clients are public (RFC 6749 §2.1): the OAuth endpoints refuse client authentication."""

import re

from auth_tokens.domain.errors import InvalidClient
from auth_tokens.web.request_body import BodyParameters
from auth_tokens.web.requests import Request

# The scheme in any case (RFC 9110 §11.1), and in the second of two fields, which the gateway joins by a comma.
_BASIC = re.compile(r"(?:^|,)[ \t]*basic(?:[ \t,]|$)", re.ASCII | re.IGNORECASE)
# An assertion is a JWT; a longer one is refused by its length.
MAX_PROOF = 8192
# RFC 6749 §2.3.1, RFC 7521 §4.2.
_PROOFS = ("client_secret", "client_assertion", "client_assertion_type")


def refuse_client_authentication(request: Request, parameters: BodyParameters) -> None:
    """Raises InvalidClient for a client secret or assertion, so that it does not look verified.

    Another scheme than Basic authenticates a user or a request, not a client, and is passed over.
    """
    header = request.headers.get("authorization", "")
    if _BASIC.search(header) or any(parameters.text(name, MAX_PROOF) for name in _PROOFS):
        raise InvalidClient("client authentication")

"""Errors of HTTP alone."""

from auth_tokens.domain.errors import TokenServiceError


class PayloadTooLarge(TokenServiceError):
    code = "invalid_request"
    description = "The request body is larger than 16 KB."


class UnsupportedMediaType(TokenServiceError):
    code = "invalid_request"
    description = "The Content-Type is not one that this route takes."


class MethodNotAllowed(TokenServiceError):
    """allow: the methods of the route, for the Allow header (RFC 9110 §15.5.6)."""

    code = "invalid_request"
    description = "The method is not one of this route."

    def __init__(self, allow: str) -> None:
        super().__init__(allow)
        self.allow = allow

"""Errors of HTTP alone."""

from auth_tokens.domain.errors import TokenServiceError


class PayloadTooLarge(TokenServiceError):
    code = "invalid_request"
    description = "The request body is larger than 16,384 bytes."


class UnsupportedMediaType(TokenServiceError):
    """taken: the content types of the route."""

    code = "invalid_request"

    def __init__(self, *taken: str) -> None:
        super().__init__("content type", f"Content-Type must be {' or '.join(taken)}.")


class MethodNotAllowed(TokenServiceError):
    """allow: the methods of the route, for the Allow header (RFC 9110 §15.5.6)."""

    code = "invalid_request"

    def __init__(self, allow: str) -> None:
        super().__init__(allow, f"The method must be {allow.replace(', ', ' or ')}.")
        self.allow = allow

"""Why an operator does something: in each body that ends or changes what is not theirs."""

from auth_tokens.web.request_body import BodyParameters

MAX_REASON = 200


def reason_in(parameters: BodyParameters) -> str:
    """Their words; must be there. Raises InvalidRequest."""
    return parameters.required_text("reason", max_length=MAX_REASON)

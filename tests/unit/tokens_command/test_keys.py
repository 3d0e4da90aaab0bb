"""The arguments of `tokens withdraw`."""

import pytest

from tokens_command.keys import withdraw


@pytest.mark.parametrize(
    "kid", ["-RV5_JxZ4HI0UobumBxvAlFeRC9dm--l81IGHOZNtQs", "-h", "--x_yes", "-", "token-chain.3"]
)
def test_a_key_whose_name_begins_with_a_hyphen_is_one_too(kid: str) -> None:
    context = withdraw.make_context("withdraw", [kid, "--reason", "a", "--no-wait"])

    assert (context.params["kid"], context.params["no_wait"]) == (kid, True)

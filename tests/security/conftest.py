"""One service in memory a test."""

import pytest

from tests.security.kit import Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()

"""A user's id has one text, however the Portal keeps it."""

import pytest

from auth_tokens.domain.user_ids import IdForm

UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
BYTES = (IdForm.UUID_BYTES, IdForm.UUID_BYTES_SWAPPED)


@pytest.mark.parametrize("text", ["0", "7", "4294967295", "18446744073709551615"])
def test_a_whole_number_is_its_own_text(text: str) -> None:
    assert IdForm.INTEGER.canonical(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "007",
        "5abc",
        "-5",
        "+5",
        " 5",
        "5 ",
        "5.0",
        "1e3",
        "0x5",
        "٥",
        "18446744073709551616",
        "9" * 21,
        UUID,
    ],
)
def test_what_mysql_would_read_as_a_number_is_no_id(text: str) -> None:
    assert IdForm.INTEGER.canonical(text) is None


@pytest.mark.parametrize("form", BYTES)
def test_a_uuid_in_either_case_is_the_one_in_lower_case(form: IdForm) -> None:
    assert form.canonical(UUID.upper()) == form.canonical(UUID) == UUID


@pytest.mark.parametrize("form", BYTES)
@pytest.mark.parametrize("text", ["", "7", UUID.replace("-", ""), f"{{{UUID}}}", UUID + "0", UUID[:-1] + "g"])
def test_another_spelling_of_a_uuid_is_no_id(form: IdForm, text: str) -> None:
    assert form.canonical(text) is None


@pytest.mark.parametrize(
    ("text", "is_id"), [("7", True), (UUID.upper(), True), ("a b", False), ("x" * 37, False)]
)
def test_a_text_stays_as_it_is(text: str, is_id: bool) -> None:
    assert IdForm.TEXT.canonical(text) == (text if is_id else None)

"""Which texts are ids, and which users an operator can name in a path."""

import pytest

from auth_tokens.domain.ids import is_canonical_uuid, is_path_safe, parse_uuid, uuid_text

ID = "01900000-0000-7000-8000-0000000000af"
NO_IDS = {
    "empty": "",
    "no hyphens": ID.replace("-", ""),
    "braces": f"{{{ID}}}",
    "a prefix": f"urn:uuid:{ID}",
    "a space behind": f"{ID} ",
    "a line break behind": f"{ID}\n",
    "a digit more": f"{ID}0",
    "a letter beyond f": ID.replace("af", "ag"),
    "a digit of another script": ID.replace("9", "\u0669"),
    "a letter that folds into ASCII": ID.replace("f", "\ufb00"),
}


@pytest.mark.parametrize("spell", [str, str.upper, str.title])
def test_an_id_is_read_in_either_case_and_written_in_lower_case(spell: type[str]) -> None:
    read = parse_uuid(spell(ID))

    assert read is not None
    assert uuid_text(read) == ID


@pytest.mark.parametrize("text", NO_IDS.values(), ids=NO_IDS)
def test_another_text_is_no_id(text: str) -> None:
    assert parse_uuid(text) is None
    assert not is_canonical_uuid(text)


def test_an_id_of_ours_is_in_lower_case() -> None:
    assert is_canonical_uuid(ID)
    assert not is_canonical_uuid(ID.upper())


@pytest.mark.parametrize("user_id", ["7", "a.b", "...", ".a", "%2F", "%2e%2e", "#", "\\", "u" * 36])
def test_a_user_with_a_path(user_id: str) -> None:
    assert is_path_safe(user_id)


@pytest.mark.parametrize("user_id", ["", ".", "..", "/", "a/b", "a?", "a b", "\xe9", "u" * 37, "a\n"])
def test_a_user_without_a_path(user_id: str) -> None:
    assert not is_path_safe(user_id)

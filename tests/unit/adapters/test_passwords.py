"""Password hashes: one cost for known and unknown, upgrades that lock nobody out, bytes as they were typed."""

import argon2
import bcrypt
import pytest
from argon2 import Parameters, extract_parameters

from auth_tokens.adapters.passwords import PortalPasswords
from auth_tokens.settings import Settings

# The least that Argon2 takes: these tests are about rules, not about cost.
QUICK = {"memory_kib": 8, "passes": 1, "lanes": 1}
PASSWORDS = PortalPasswords(**QUICK)
WORD = "correct horse"


def hashed(password: str, **parameters: int) -> str:
    made = PortalPasswords(**{**QUICK, **parameters}).upgraded(password, "")
    assert made is not None
    return made


def bcrypted(password: str, prefix: bytes = b"2b") -> str:
    salt = bcrypt.gensalt(4).replace(b"$2b$", b"$" + prefix + b"$")
    return bcrypt.hashpw(password.encode()[:72], salt).decode()


@pytest.mark.parametrize("password", [WORD, "p", "x" * 1024, "пароль", "🐎" * 200, " blank at both ends "])
def test_a_password_is_known_again(password: str) -> None:
    assert PASSWORDS.verify(password, hashed(password))
    assert not PASSWORDS.verify(password + "x", hashed(password))
    assert not PASSWORDS.verify(password[:-1], hashed(password))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Correct Horse", WORD),
        (" " + WORD, WORD),
        (WORD + "\n", WORD),
        ("e\u0301tude", "\u00e9tude"),
        ("ﬁne", "fine"),
        ("ｗｉｄｅ", "wide"),
        ("straße", "strasse"),
    ],
    ids=["case", "blank before", "newline after", "NFD", "ligature", "full width", "sharp s"],
)
def test_nothing_is_normalised(typed: str, meant: str) -> None:
    assert not PASSWORDS.verify(typed, hashed(meant))
    assert not PASSWORDS.verify(meant, hashed(typed))


def test_new_hashes_are_argon2id_by_the_settings() -> None:
    chosen = Settings.__dataclass_fields__
    memory_kib, passes, lanes = (
        chosen[f"argon2_{name}"].default for name in ("memory_kib", "passes", "lanes")
    )
    made = PortalPasswords(memory_kib, passes, lanes).upgraded(WORD, "")

    parameters = extract_parameters(made or "")
    assert parameters.type is argon2.Type.ID
    # OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)


def costs(password_hash: str | None, monkeypatch: pytest.MonkeyPatch) -> list[Parameters]:
    """The parameters of each hash that Argon2 computes for a verification."""
    computed: list[Parameters] = []
    verify_secret = argon2._password_hasher.verify_secret

    def noted(encoded: bytes, secret: bytes, kind: argon2.Type) -> bool:
        computed.append(extract_parameters(encoded.decode()))
        return verify_secret(encoded, secret, kind)

    with monkeypatch.context() as patch:
        patch.setattr(argon2._password_hasher, "verify_secret", noted)
        assert not PASSWORDS.verify("wrong", password_hash)
    return computed


@pytest.mark.parametrize(
    "password_hash",
    [None, "", "x", "!", "*LK*", "{SSHA}abc", "5f4dcc3b5aa765d61d8327deb882cf99", "$argon2id$v=19$m=8"],
    ids=["unknown user", "empty", "x", "locked", "locked in shadow", "LDAP", "MD5", "cut Argon2"],
)
def test_whoever_has_no_usable_hash_costs_what_a_wrong_password_costs(
    password_hash: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Compared is the work itself, by its parameters; benchmarks/password_cost.py measures the time.
    assert costs(password_hash, monkeypatch) == costs(hashed(WORD), monkeypatch)


def test_the_dummy_costs_nothing_more_at_its_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_hashing(*_: object) -> str:
        raise AssertionError("a hash for nobody was computed")

    monkeypatch.setattr(argon2.PasswordHasher, "hash", no_hashing)

    assert not PortalPasswords(**QUICK).verify(WORD, None)


def test_the_dummy_hash_is_another_in_every_environment() -> None:
    assert PortalPasswords(**QUICK)._dummy != PortalPasswords(**QUICK)._dummy


@pytest.mark.parametrize("change", [{"memory_kib": 16}, {"passes": 2}, {"lanes": 2, "memory_kib": 16}])
def test_older_parameters_are_verified_and_upgraded(change: dict[str, int]) -> None:
    older = hashed(WORD, **change)

    assert PASSWORDS.verify(WORD, older)
    upgraded = PASSWORDS.upgraded(WORD, older)
    assert upgraded is not None and PASSWORDS.verify(WORD, upgraded)
    assert PASSWORDS.upgraded(WORD, upgraded) is None


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
def test_bcrypt_of_the_older_portal_is_verified_and_upgraded(prefix: bytes) -> None:
    older = bcrypted(WORD, prefix)

    assert PASSWORDS.verify(WORD, older)
    assert not PASSWORDS.verify("wrong", older)
    assert (PASSWORDS.upgraded(WORD, older) or "").startswith("$argon2id$")


@pytest.mark.parametrize(("length", "is_upgraded"), [(71, True), (72, True), (73, False), (1024, False)])
def test_what_bcrypt_has_cut_is_not_hashed_for_good(length: int, is_upgraded: bool) -> None:
    """A misspelt end, which bcrypt cannot see, must not become the password."""
    password = "x" * length
    older = bcrypted(password)

    assert PASSWORDS.verify(password, older)
    assert (PASSWORDS.upgraded(password, older) is not None) == is_upgraded


def test_the_cut_may_go_through_a_character() -> None:
    password = "x" * 71 + "é"

    assert PASSWORDS.verify(password, bcrypted(password))


@pytest.mark.parametrize("older", ["$2b$", "$2b$12$short", "$2$" + "x" * 60, "$2b$99$" + "x" * 53])
def test_what_is_no_bcrypt_hash_is_no_match(older: str) -> None:
    assert not PASSWORDS.verify(WORD, older)

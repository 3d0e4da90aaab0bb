"""Whoever is asked for, a verification does the same work: counted by the hashes computed, not by a clock."""

from collections import Counter
from dataclasses import dataclass, field

import argon2
import bcrypt
import pytest
from argon2 import Type, extract_parameters
from argon2.exceptions import VerificationError, VerifyMismatchError

from auth_tokens.adapters.passwords import MAX_KINDS, MAX_TOTAL_WORK, PortalPasswords
from auth_tokens.domain.password_hashes import MAX_MEMORY_KIB, MAX_WORK
from tests.support.world import RecordedTelemetry

OWN = (8, 1, 1)
WORD = "correct horse"
REST = "c29tZXNhbHQ$" + "A" * 43


def argon2_hash(password: str, memory_kib: int, passes: int = 1, lanes: int = 1, kind: Type = Type.ID) -> str:
    return argon2.PasswordHasher(passes, memory_kib, lanes, type=kind).hash(password)


def bcrypt_hash(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


@dataclass
class Work:
    """What was computed: Argon2 by its parameters, bcrypt by its rounds, 2^cost each."""

    argon2: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    bcrypt_rounds: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    done = Work()
    verify_secret, checkpw, hashpw = argon2._password_hasher.verify_secret, bcrypt.checkpw, bcrypt.hashpw

    def argon2_verified(encoded: bytes, secret: bytes, kind: Type) -> bool:
        try:
            matches = verify_secret(encoded, secret, kind)
        except VerifyMismatchError:
            _note(encoded)
            raise
        except VerificationError:  # not decoded: nothing was computed
            raise
        _note(encoded)
        return matches

    def _note(encoded: bytes) -> None:
        found = extract_parameters(encoded.decode())
        done.argon2[found.memory_cost, found.time_cost, found.parallelism] += 1

    def bcrypt_verified(secret: bytes, stored: bytes) -> bool:
        matches = checkpw(secret, stored)
        done.bcrypt_rounds += 1 << int(stored[4:6])
        return matches

    def bcrypt_hashed(secret: bytes, salt: bytes) -> bytes:
        done.bcrypt_rounds += 1 << int(salt[4:6])
        return hashpw(secret, salt)

    monkeypatch.setattr(argon2._password_hasher, "verify_secret", argon2_verified)
    monkeypatch.setattr(bcrypt, "checkpw", bcrypt_verified)
    monkeypatch.setattr(bcrypt, "hashpw", bcrypt_hashed)
    return done


STORED = {
    "unknown user": None,
    "today's": argon2_hash("other", *OWN),
    "bcrypt": bcrypt_hash("other", 4),
    "dearer bcrypt": bcrypt_hash("other", 6),
    "bcrypt by another letter": bcrypt_hash("other", 5).replace("$2b$", "$2y$"),
    "older Argon2id": argon2_hash("other", 64, 2),
    "older Argon2id in lanes": argon2_hash("other", 64, 1, 2),
    "Argon2i": argon2_hash("other", 32, 1, kind=Type.I),
    "locked": "!",
    "MD5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "cut Argon2id": argon2_hash("other", *OWN)[:-20],
    "Argon2id of no base64": "$argon2id$v=19$m=8,t=1,p=1$*$*",
    "head of an Argon2id": "$argon2id$v=19$m=64,t=2,p=1",
    "cut bcrypt": bcrypt_hash("other", 4)[:-10],
    "bcrypt of no base64": "$2b$04$" + "*" * 53,
    "head of a bcrypt": "$2b$05$",
    "bcrypt beyond any": "$2b$99$" + "x" * 53,
    "Argon2id of a gibibyte": "$argon2id$v=19$m=1048576,t=1,p=1$" + REST,
}
HEADS = ["$2b$04$", "$2b$06$", "$2y$05$"] + [
    f"$argon2{variant}$v=19$m={memory},t={passes},p={lanes}"
    for variant, memory, passes, lanes in [("id", 64, 2, 1), ("id", 64, 1, 2), ("i", 32, 1, 1)]
]
EVERYTHING = Work(Counter({OWN: 1, (64, 2, 1): 1, (64, 1, 2): 1, (32, 1, 1): 1}), 1 << 6)


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_every_kind_takes_the_work_of_one_of_each(stored: str | None, work: Work) -> None:
    passwords = PortalPasswords(*OWN, kinds_in_use=lambda: HEADS)

    assert not passwords.verify(WORD, stored)

    assert work == EVERYTHING


@pytest.mark.parametrize("name", ["today's", "bcrypt", "dearer bcrypt", "older Argon2id", "Argon2i"])
def test_a_right_password_takes_the_same_work_and_is_known(name: str, work: Work) -> None:
    passwords = PortalPasswords(*OWN, kinds_in_use=lambda: HEADS)

    assert passwords.verify("other", STORED[name])

    assert work == EVERYTHING


def test_a_kind_that_nobody_named_is_paid_for_from_its_first_hash_on(work: Work) -> None:
    passwords = PortalPasswords(*OWN)
    passwords.verify(WORD, None)
    assert work == Work(Counter({OWN: 1}))

    for stored in (bcrypt_hash(WORD, 5), STORED["older Argon2id"]):
        passwords.verify(WORD, stored)
    before = Work(work.argon2.copy(), work.bcrypt_rounds)
    passwords.verify(WORD, None)

    assert work.argon2 - before.argon2 == Counter({OWN: 1, (64, 2, 1): 1})


def test_the_portal_is_asked_once_for_its_kinds() -> None:
    asked = []
    passwords = PortalPasswords(*OWN, kinds_in_use=lambda: asked.append(1) or [])  # type: ignore[func-returns-value]

    for _ in range(3):
        passwords.verify(WORD, None)

    assert asked == [1]


def test_a_portal_that_could_not_say_is_asked_again(work: Work) -> None:
    answers = [OSError(), HEADS]

    def kinds() -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    passwords = PortalPasswords(*OWN, kinds_in_use=kinds)
    with pytest.raises(OSError):
        passwords.verify(WORD, None)
    passwords.verify(WORD, None)

    assert work == EVERYTHING


HOSTILE = {
    "memory": f"$argon2id$v=19$m={MAX_MEMORY_KIB + 1},t=1,p=1$" + REST,
    "a gibibyte": "$argon2id$v=19$m=1048576,t=1,p=1$" + REST,
    "memory beyond counting": "$argon2id$v=19$m=99999999999,t=1,p=1$" + REST,
    "passes": f"$argon2id$v=19$m=65536,t={MAX_WORK // 65536 + 1},p=1$" + REST,
    "no passes": "$argon2id$v=19$m=64,t=0,p=1$" + REST,
    "lanes": "$argon2id$v=19$m=65536,t=1,p=9$" + REST,
    "lanes without memory": "$argon2id$v=19$m=8,t=1,p=2$" + REST,
    "bcrypt of cost 15": "$2b$15$" + "x" * 53,
    "bcrypt of cost 31": "$2b$31$" + "x" * 53,
    "bcrypt of cost 3": "$2b$03$" + "x" * 53,
    "scrypt": "$scrypt$ln=20,r=8,p=1$" + REST,
}


@pytest.mark.parametrize("stored", HOSTILE.values(), ids=HOSTILE)
def test_a_hash_that_would_take_too_much_is_not_computed_nor_paid_for(stored: str, work: Work) -> None:
    telemetry = RecordedTelemetry()
    passwords = PortalPasswords(*OWN, kinds_in_use=lambda: [stored.rpartition("$")[0]], telemetry=telemetry)

    assert not passwords.verify(WORD, stored)
    assert not passwords.verify(WORD, None)

    assert work == Work(Counter({OWN: 2}))
    assert telemetry.counts == ({} if "scrypt" in stored else {"PasswordHashRefused": 1})


@pytest.mark.parametrize(
    "head",
    [f"$argon2id$v=19$m={MAX_MEMORY_KIB},t={MAX_WORK // MAX_MEMORY_KIB},p=8", "$2b$14$"],
)
def test_what_takes_just_as_much_as_it_may_is_paid_for(head: str) -> None:
    passwords = PortalPasswords(*OWN)

    passwords._add_kind(passwords._computable(head))  # type: ignore[arg-type]

    assert len(passwords._dummies) + (passwords._bcrypt is not None) == 2


def test_our_own_parameters_may_be_beyond_those_bounds() -> None:
    passwords = PortalPasswords(MAX_MEMORY_KIB, 20, 8)
    head = f"$argon2id$v=19$m={MAX_MEMORY_KIB},t=20,p=8"

    assert passwords._computable(head) == passwords._own


def test_the_work_of_all_kinds_together_is_bounded_and_a_kind_too_many_is_still_verified(work: Work) -> None:
    telemetry = RecordedTelemetry()
    kinds = [f"$argon2id$v=19$m={8 + number},t=1,p=1" for number in range(1, 3 * MAX_KINDS)]
    passwords = PortalPasswords(*OWN, kinds_in_use=lambda: kinds, telemetry=telemetry)

    assert passwords.verify(WORD, argon2_hash(WORD, 1000))

    assert len(passwords._dummies) == MAX_KINDS
    assert work.argon2.total() == MAX_KINDS + 1
    assert telemetry.counts["PasswordHashUnpadded"]


def test_the_dearest_kinds_together_stay_within_the_function_s_time() -> None:
    passwords = PortalPasswords(*OWN)
    for memory_kib in range(262_144 - 8, 262_144):
        passwords._add_kind(passwords._computable(f"$argon2id$v=19$m={memory_kib},t=4,p=1"))  # type: ignore[arg-type]

    assert sum(kind.work for kind in passwords._dummies) - passwords._own.work <= MAX_TOTAL_WORK

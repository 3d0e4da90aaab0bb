"""Whatever the Portal and the settings have: an access token that is issued is one that our own verifiers take.

A token that they refuse would send its client round in circles: 200, refused, refresh, 200.
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth_tokens.adapters.access_jwt.kms_keys import MAX_MESSAGE_BYTES
from auth_tokens.adapters.access_jwt.verifier import JwtVerifier, PublicKeys
from auth_tokens.domain.claims import MAX_TOKEN_LENGTH, AccessTerms, Unissuable, build_claims, token_room
from auth_tokens.domain.ids import is_user_id
from auth_tokens.domain.labels import is_label
from auth_tokens.domain.scopes import MAX_SCOPE_LENGTH, granted_scope
from auth_tokens.domain.sessions import TokenRecord, User, UserConfig
from auth_tokens.settings import Settings, SettingsError
from tests.security.kit import JTI
from tests.security.test_kms_signing import KEY, SigningKms
from tests.support.fakes import FakeKeyTable, FakeKeyWrapper, session_record, signer
from tests.support.world import START, Clock

WAYS = [(mode, algorithm) for mode in ("local", "kms") for algorithm in ("ES256", "RS256", "EdDSA")]
VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
ANY = st.characters()  # lone surrogates, control characters and all
NAMES = st.text(st.sampled_from('"\\aé🚚,% '), min_size=1, max_size=200) | st.text(
    VISIBLE, min_size=1, max_size=300
)
LABELS = st.lists(
    st.text(ANY, max_size=200) | st.text(st.sampled_from('"\\aü🚚'), min_size=100, max_size=128), max_size=150
)
WHOLE = st.integers(-(2**63), 2**63)
WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
CONFIGS = st.builds(
    UserConfig,
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("access_ttl_s", "refresh_idle_ttl_s", "refresh_absolute_ttl_s"), WHOLE)
    ),
)
SCOPE_TOKENS = st.text(st.sampled_from("abc:!#~"), min_size=1, max_size=40)


class Service:
    """The signer and the verifier of one way to sign."""

    def __init__(self, mode: str, algorithm: str) -> None:
        self.mode = mode
        self.clock = Clock()
        self.table: Any = FakeKeyTable()
        by_kms = {"kms": SigningKms(algorithm), "kms_key_ids": [KEY]} if mode == "kms" else {}
        self.signer = signer(self.table, FakeKeyWrapper(), self.clock, algorithm=algorithm, **by_kms)
        self.signer.sign({})  # makes the key

    def settings(self, issuer: str, audience: str, scopes: list[str]) -> Settings:
        """Raises SettingsError."""
        return Settings.from_env(
            {
                "ISSUER": issuer,
                "AUDIENCE": audience,
                "CLIENTS": json.dumps({CLIENT: scopes}),
                "SIGNING_MODE": self.mode,
                "SIGNING_KMS_KEY_IDS": KEY,
                "DB_HOST": "h",
                "DB_NAME": "n",
                "DB_USER": "u",
                "KMS_KEY_ID": "k",
            }
        )

    def issued(self, record: TokenRecord, chosen: Settings, now: int) -> str:
        """An access token as the token endpoint makes it."""
        assert record.owner
        policy = chosen.policy()
        terms = AccessTerms(
            jti=bytes.fromhex(JTI.replace("-", "")),
            scope=granted_scope(None, policy.scope_left(record.scope, record)),
            ttl_s=policy.for_user(record.owner.config).access_ttl_s,
            labels_max_bytes=policy.labels_max_bytes,
        )
        claims = build_claims(record, terms, issuer=chosen.issuer, audience=chosen.audience, now=now)
        return self.signer.sign(claims)

    def verified(self, token: str, chosen: Settings, now: int) -> Any:
        keys = PublicKeys(self.table, self.clock, 300)
        return JwtVerifier(keys, chosen.issuer, chosen.audience).verify(token, now)


@pytest.fixture(scope="module", params=WAYS, ids=[" ".join(way) for way in WAYS])
def service(request: pytest.FixtureRequest) -> Service:
    return Service(*request.param)


CLIENT = '"' * 64


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    user_id=st.text(VISIBLE, min_size=1, max_size=36).filter(is_user_id),
    labels=LABELS,
    config=CONFIGS,
    names=st.tuples(st.just("https://tokens.example"), NAMES),
    scopes=st.lists(SCOPE_TOKENS, max_size=25),
    amr=st.lists(WORDS, min_size=1, max_size=10),
    acr=st.text(VISIBLE, max_size=64),
    skew=st.integers(-600, 600),
)
def test_what_is_issued_verifies(
    service: Service,
    user_id: str,
    labels: list[str],
    config: UserConfig,
    names: tuple[str, str],
    scopes: list[str],
    amr: list[str],
    acr: str,
    skew: int,
) -> None:
    try:
        chosen = service.settings(*names, scopes)
    except SettingsError:
        return  # found at the start, before anybody signs in
    owner = User(user_id, "alice", is_active=True, labels=tuple(labels), config=config)
    now = START + skew
    record = session_record(
        START,
        user_id=user_id,
        owner=owner,
        client_id=CLIENT,
        scope=" ".join(scopes),
        amr=tuple(amr),
        acr=acr,
    )

    claims = service.verified(service.issued(record, chosen, now), chosen, now)

    assert (claims.sub, claims.acr, claims.amr) == (user_id, acr, tuple(amr))
    assert set(claims.labels) <= set(filter(is_label, labels))
    assert claims.auth_time <= claims.iat < claims.exp


def test_the_longest_of_everything_verifies_and_leaves_little_room(service: Service) -> None:
    """Were the bounds tighter than need be, labels would be left out for nothing."""
    room, issuer = token_room(signs_by_kms=service.mode == "kms"), "https://tokens.example"
    scope = "s" * min(MAX_SCOPE_LENGTH, room.names - 126)
    audience = "a" * (room.names - len(scope) - len(issuer) - 4)
    chosen = service.settings(issuer, audience, [scope])
    labels = [
        '"' * 23 + "a" + f"{number:03}" for number in range(150)
    ]  # 53 bytes each, with quotes and comma
    owner = User('"' * 36, "alice", is_active=True, labels=tuple(labels))
    record = session_record(
        user_id='"' * 36,
        owner=owner,
        client_id=CLIENT,
        scope=scope,
        acr='"' * 64,
        amr=("x" * 20,) * 10,
        jkt="j" * 42 + "A",
    )

    token = service.issued(record, chosen, START)

    assert len(service.verified(token, chosen, START).labels) == room.labels // 53
    if service.mode == "kms":
        assert 3900 < len(token.rpartition(".")[0]) <= MAX_MESSAGE_BYTES
    else:
        assert (
            7200 < len(token.rpartition(".")[0]) < MAX_TOKEN_LENGTH - 683
        )  # a signature by RSA of 4096 bits


@pytest.mark.parametrize(
    "changes", [{"user_id": "two words"}, {"user_id": "x" * 37}, {"amr": ("a b",)}, {"acr": "\ud800"}]
)
def test_claims_that_no_verifier_takes_are_not_signed(changes: dict[str, Any]) -> None:
    record = session_record(**changes)

    with pytest.raises(Unissuable):
        build_claims(record, AccessTerms(bytes(16), "", 600), issuer="i", audience="a", now=START)


@pytest.mark.parametrize(
    ("mode", "scope_length", "audience_length", "fits"),
    [
        ("kms", 900, 98, True),
        ("kms", 900, 99, False),
        ("local", MAX_SCOPE_LENGTH, 486, True),
        ("local", MAX_SCOPE_LENGTH, 487, False),
        ("local", MAX_SCOPE_LENGTH + 1, 1, False),
    ],
)
def test_settings_that_leave_a_token_too_little_room_are_refused_at_the_start(
    mode: str, scope_length: int, audience_length: int, fits: bool
) -> None:
    made = Service(mode, "ES256")

    if fits:
        assert made.settings("https://tokens.example", "a" * audience_length, ["s" * scope_length])
    else:
        with pytest.raises(SettingsError, match="CLIENTS"):
            made.settings("https://tokens.example", "a" * audience_length, ["s" * scope_length])

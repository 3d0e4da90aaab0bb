"""What `make run` takes by SET and ORIGINS: parameters by name, checked as CloudFormation and the functions would."""

import pytest

from local.parameters import WrongParameter, given_parameters, own_parameters, unlike_template

URL = "http://127.0.0.1:3000"
EXAMPLE = "write SET=\"AccessTtlS=60 AdminLabel='two words'\""


def given(**environment: str) -> dict[str, str]:
    return given_parameters(environment, URL)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (
            "AllowedOrigins=http://localhost:5173 AccessTtlS=60",
            {"AllowedOrigins": "http://localhost:5173", "AccessTtlS": "60"},
        ),
        ("AuthorizerRequiredScope='a b'", {"AuthorizerRequiredScope": "a b"}),
        ('"AdminLabel=two words"', {"AdminLabel": "two words"}),
        ("""Clients='{"a": ["b", "c"]}'""", {"Clients": '{"a": ["b", "c"]}'}),
        ("  AccessTtlS=30\n AdminLabel= ", {"AccessTtlS": "30", "AdminLabel": ""}),
        ("AccessTtlS=3600", {"AccessTtlS": "3600"}),
        ("LogRetentionDays=7", {"LogRetentionDays": "7"}),
    ],
    ids=["two", "a value with a space", "quotes around both", "JSON", "spaces", "at the bound", "a choice"],
)
def test_parameters_are_given_by_name(text: str, parameters: dict[str, str]) -> None:
    assert given(SET=text) == parameters


def test_origins_are_short_for_the_parameter_of_that_name() -> None:
    assert given(ORIGINS="http://localhost:5173") == {"AllowedOrigins": "http://localhost:5173"}
    assert given(ORIGINS="", SET="AllowedOrigins=https://a.example") == {
        "AllowedOrigins": "https://a.example"
    }
    assert given(ORIGINS="") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", f"SET names no parameter: {EXAMPLE}"),
        (" ", f"SET names no parameter: {EXAMPLE}"),
        ("AccessTtlS", f"SET must be NAME=VALUE, separated by spaces: {EXAMPLE}"),
        ("=60", f"SET must be NAME=VALUE, separated by spaces: {EXAMPLE}"),
        ("AdminLabel=two words", f"SET must be NAME=VALUE, separated by spaces: {EXAMPLE}"),
        ("\x1b[2J=1", f"SET must be NAME=VALUE, separated by spaces: {EXAMPLE}"),
        ("AdminLabel='two words", f"SET has a quote without its counterpart: {EXAMPLE}"),
        ("MaxSessions=2 MaxSessions=2", "SET names MaxSessions twice: leave one out"),
        ("AccessTtl=60", "there is no parameter AccessTtl; is it AccessTtlS?"),
        ("ACCESS_TTL_S=60", "there is no parameter ACCESS_TTL_S; is it AccessTtlS?"),
        (
            "RefreshTtlS=60",
            "there is no parameter RefreshTtlS; is it RefreshIdleTtlS or RefreshAbsoluteTtlS?",
        ),
        ("Colour=red", "there is no parameter Colour; template.yaml has them all"),
        ("VpcId=vpc-1", "VpcId is a parameter of foundation.yaml, of which local mode deploys nothing"),
        (
            "Issuer=https://a.example",
            "Issuer cannot be set: it is the address of the run, whose port is PORT",
        ),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(WrongParameter) as refused:
        given(SET=text)

    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AccessTtlS=29", "AccessTtlS must be a whole number from 30 to 3600"),
        ("AccessTtlS=3601", "AccessTtlS must be a whole number from 30 to 3600"),
        ("AccessTtlS=", "AccessTtlS must be a whole number from 30 to 3600"),
        ("AccessTtlS=6e1", "AccessTtlS must be a whole number from 30 to 3600"),
        ("AccessTtlS=٦٠", "AccessTtlS must be a whole number from 30 to 3600"),
        ("RevocationFeed=log,both", "RevocationFeed must be one of both, log"),
        ("Audience=", "Audience must have 1 to 4096 characters"),
        (f"AdminLabel={'x' * 65}", "AdminLabel must have 0 to 64 characters"),
        ("Clients=portal", 'Clients must be JSON in one line, like {"portal-web": ["portal:read"]}'),
        ("AllowedOrigins=http://localhost:5173/", "AllowedOrigins must be written http://localhost:5173"),
        ("EdgeRequired=yes", "EdgeRequired=yes needs EdgeKeyHashes"),
        ("DpopRequiredClients=x", "DpopRequiredClients must be clients of Clients, comma-separated"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(WrongParameter) as refused:
        given(SET=text)

    assert str(refused.value) == said


@pytest.mark.parametrize(
    "environment",
    [
        {"SET": "DbPassword=hunter2"},
        {"SET": "hunter2"},
        {"SET": "AccessTtlS=hunter2"},
        {"SET": "AllowedOrigins=https://portal:hunter2@a.example"},
        {"SET": "EdgeKeyHashes=hunter2"},
        {"ORIGINS": "https://portal:hunter2@a.example"},
    ],
    ids=["password", "no name", "number", "origin", "key in place of its hash", "origins"],
)
def test_a_refusal_does_not_repeat_what_may_be_a_secret(environment: dict[str, str]) -> None:
    with pytest.raises(WrongParameter) as refused:
        given(**environment)

    assert "hunter2" not in str(refused.value)


def test_a_password_is_said_to_belong_to_the_database_s_address() -> None:
    with pytest.raises(WrongParameter, match="named by TOKENS_DB_URL"):
        given(SET="DbPassword=hunter2")


def test_origins_given_twice_are_refused() -> None:
    with pytest.raises(WrongParameter, match="given twice, by SET and by ORIGINS: leave one out"):
        given(SET="AllowedOrigins=https://a.example", ORIGINS="https://a.example")


def test_only_what_differs_from_the_template_is_shown_with_its_default() -> None:
    parameters = given(SET="AccessTtlS=600 MaxSessions=2", ORIGINS="https://a.example")

    assert unlike_template(parameters) == [
        "MaxSessions=2 (default: 20)",
        "AllowedOrigins=https://a.example (default: empty)",
    ]


def test_local_mode_s_own_parameters_can_be_given_in_other_ways() -> None:
    own = own_parameters(URL)

    assert own["AdminLabel"] == "admin"
    assert given(SET="AdminLabel=tsp:operator") == {"AdminLabel": "tsp:operator"}

"""The service's settings: the only reader of the environment. Units are in the names."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from auth_tokens.domain.acr import ACR_ORDER, PASSWORD_ACR
from auth_tokens.domain.bounds import (
    MAX_ACCESS_TTL_S,
    MAX_DEVICES,
    MAX_RETRY_WINDOW_S,
    MAX_SESSIONS,
    MAX_TTL_S,
    MIN_ACCESS_TTL_S,
    MIN_RETENTION_S,
    MIN_TTL_S,
    LimitAction,
)
from auth_tokens.domain.claims import TokenRoom, token_room
from auth_tokens.domain.origins import (
    is_issuer,
    is_loopback,
    is_origin,
    issuer_spelling,
    origin_of,
    origin_spelling,
)
from auth_tokens.domain.requirements import Requirements
from auth_tokens.domain.route_scopes import RouteScopes
from auth_tokens.domain.scopes import MAX_SCOPE_LENGTH, is_scope

if TYPE_CHECKING:  # a type alone, and the authorizer's every start would pay for it
    from auth_tokens.domain.edge import Edge
    from auth_tokens.domain.policy import Policy

SIGNING_ALGORITHMS = ("ES256", "RS256", "EdDSA")

_T = TypeVar("_T")
# Reads a setting. (variable, text) → value; raises SettingsError.
Parser = Callable[[str, str], _T]

_CLIENTS_FORM = 'must be JSON like {"portal-web": ["portal:read"]}: clients and their scopes'
_LABEL_SCOPES_FORM = 'must be JSON like {"admin": ["portal:admin"]}: labels and the scopes that need them'
_ROUTE_SCOPES_FORM = (
    'must be JSON like {"GET/jobs": "jobs:read", "*/jobs/*": "jobs:write"}: routes and'
    " the scope that opens them, `*` for any method or as the last segment, 8 KB of policy at the most"
)
_ISSUER_FORM = (
    "must be a URL like https://tokens.example or https://tokens.example/base: in lower case and ASCII, without"
    " default port, user, query, fragment or a slash at its end"
)
_PUBLIC_URLS_FORM = (
    'must be JSON like {"API_ID/STAGE": ["https://api.example.com/jobs"]}: stages of APIs and the addresses that'
    " clients know each by, written like ISSUER"
)
_ORIGINS_FORM = (
    "must be a comma-separated list of origins as browsers send them, like https://portal.example: in lower case"
    " and ASCII (xn--…), without wildcards, default port, user or path"
)


class SettingsError(ValueError):
    """A setting is missing or out of bounds; the text names it."""


class Whole:
    """Parser of a whole number within bounds, both included."""

    def __init__(self, at_least: int, at_most: int) -> None:
        self.at_least = at_least
        self.at_most = at_most

    def __call__(self, variable: str, text: str) -> int:
        if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not self.at_least <= int(text) <= self.at_most:
            raise SettingsError(f"{variable} must be a whole number from {self.at_least} to {self.at_most}")
        return int(text)


class OneOf:
    """Parser of a choice."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self.values = values

    def __call__(self, variable: str, text: str) -> str:
        if text not in self.values:
            raise SettingsError(f"{variable} must be one of {', '.join(self.values)}")
        return text


def _any_text(variable: str, text: str) -> str:
    return text


def _issuer(variable: str, text: str) -> str:
    if not is_issuer(text):
        raise SettingsError(f"{variable} {_written(issuer_spelling(text), _ISSUER_FORM)}")
    return text


def _origins(variable: str, text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip(" \t") for origin in text.split(",") if origin.strip(" \t"))
    for origin in origins:
        if not is_origin(origin):
            raise SettingsError(f"{variable} {_written(origin_spelling(origin), _ORIGINS_FORM)}")
    return origins


def _written(spelling: str | None, form: str) -> str:
    """The refusal of a spelling. It does not repeat what was written, which may hold a password."""
    return f"must be written {spelling}" if spelling else form


def _clients(variable: str, text: str) -> dict[str, str]:
    try:
        parsed = json.loads(text)
    except ValueError as exc:
        raise SettingsError(f"{variable} {_CLIENTS_FORM}") from exc
    if not isinstance(parsed, dict) or not parsed:
        raise SettingsError(f"{variable} {_CLIENTS_FORM}")
    for client, scopes in parsed.items():
        is_named = re.fullmatch(r"[!-~]{1,64}", client, re.ASCII)
        if not is_named or not isinstance(scopes, list) or not all(map(_is_scope, scopes)):
            raise SettingsError(f"{variable} {_CLIENTS_FORM}")
    return {client: " ".join(scopes) for client, scopes in parsed.items()}


def _label_scopes(variable: str, text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    try:
        parsed = json.loads(text)
    except ValueError as exc:
        raise SettingsError(f"{variable} {_LABEL_SCOPES_FORM}") from exc
    if not isinstance(parsed, dict):
        raise SettingsError(f"{variable} {_LABEL_SCOPES_FORM}")
    for scopes in parsed.values():
        if not isinstance(scopes, list) or not all(map(_is_scope, scopes)):
            raise SettingsError(f"{variable} {_LABEL_SCOPES_FORM}")
    return tuple((label, frozenset(scopes)) for label, scopes in parsed.items())


def _scopes(variable: str, text: str) -> str:
    if not is_scope(text):
        raise SettingsError(f"{variable} must be scopes, each parted from the next by a blank")
    return text


def _account_scope(variable: str, text: str) -> str:
    if text and not _is_scope(text):
        raise SettingsError(f"{variable} must be one scope, or nothing to let any access token in")
    return text


def _is_scope(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[!#-\[\]-~]+", value, re.ASCII) is not None


def _acr_values(variable: str, text: str) -> tuple[str, ...]:
    if not text:
        return ()
    if not re.fullmatch(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*", text, re.ASCII):
        raise SettingsError(f"{variable} must be acr values, each separated from the next by a space")
    return tuple(text.split(" "))


def _acr_order(variable: str, text: str) -> tuple[str, ...]:
    values = _acr_values(variable, text)
    if len(set(values)) != len(values) or not set(ACR_ORDER) <= set(values):
        raise SettingsError(f"{variable} must have each acr value once, {', '.join(ACR_ORDER)} among them")
    return values


def _route_scopes(variable: str, text: str) -> tuple[tuple[str, str], ...]:
    try:
        parsed = json.loads(text)
        if not isinstance(parsed, dict) or not all(v == "" or _is_scope(v) for v in parsed.values()):
            raise SettingsError(f"{variable} {_ROUTE_SCOPES_FORM}")
        return RouteScopes.of(parsed).routes
    except ValueError as exc:
        raise SettingsError(f"{variable} {_ROUTE_SCOPES_FORM}") from exc


def _public_urls(variable: str, text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    try:
        parsed = json.loads(text)
    except ValueError as exc:
        raise SettingsError(f"{variable} {_PUBLIC_URLS_FORM}") from exc
    if not isinstance(parsed, dict):
        raise SettingsError(f"{variable} {_PUBLIC_URLS_FORM}")
    for stage, urls in parsed.items():
        is_stage = re.fullmatch(r"[A-Za-z0-9]+/[A-Za-z0-9_$-]+", stage, re.ASCII)
        if not is_stage or not isinstance(urls, list) or not urls or not all(map(_is_public_url, urls)):
            raise SettingsError(f"{variable} {_PUBLIC_URLS_FORM}")
    return tuple((stage, tuple(urls)) for stage, urls in parsed.items())


def _is_public_url(value: object) -> bool:
    if not isinstance(value, str) or not is_issuer(value):
        return False
    return value.startswith("https://") or is_loopback(origin_of(value))


def _page_url(variable: str, text: str) -> str:
    """A page that people are sent to. Raises SettingsError, also for what a browser would run as a script."""
    if not re.fullmatch(r"https://[!-~]{1,500}", text, re.ASCII):
        raise SettingsError(f"{variable} must be a URL that begins with https://")
    return text


def _folder_url(variable: str, text: str) -> str:
    """The same, to which a page's name is added. Raises SettingsError."""
    return _page_url(variable, text).rstrip("/")


def _names(variable: str, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _edge_key_header(variable: str, text: str) -> str:
    if not re.fullmatch(r"x-[a-z0-9-]{1,60}", text.lower(), re.ASCII):
        raise SettingsError(f"{variable} must be the name of a header that begins with x-")
    return text.lower()


def _edge_key_hashes(variable: str, text: str) -> tuple[bytes, ...]:
    hashes = [part.strip() for part in text.split(",")]
    if len(hashes) > 4 or not all(re.fullmatch(r"[0-9a-f]{64}", part, re.ASCII) for part in hashes):
        raise SettingsError(
            f"{variable} must be one to four SHA-256 hashes in lower-case hex, comma-separated: of the keys,"
            " never the keys themselves"
        )
    return tuple(bytes.fromhex(part) for part in hashes)


def setting(default: _T, parser: Parser[_T], *, off: _T | None = None, is_shown: bool = True) -> _T:
    """Declares a setting. off: its value where it switches something off, which each cold start says.

    A variable that is absent or empty has the default, unless empty is how the setting is switched off.
    """
    return field(default=default, repr=is_shown, metadata={"parser": parser, "off": off})


def required(parser: Parser[_T]) -> _T:
    """Declares a setting without default."""
    declared: _T = field(metadata={"parser": parser, "off": None})
    return declared


def number(default: int, *, at_least: int, at_most: int, off: int | None = None) -> int:
    """Declares a whole number; the end of its name says the unit (`_s`, `_kib`). Else as `setting`."""
    return setting(default, Whole(at_least, at_most), off=off)


def choice(*values: str, off: str | None = None) -> str:
    """Declares a choice, of which the first is the default. Else as `setting`."""
    return setting(values[0], OneOf(values), off=off)


# Without eq: nothing compares settings, and making the methods for it is 0.4 ms of each cold start.
@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """One line a setting: the environment variable of its name in upper case. README has the table."""

    issuer: str = required(_issuer)
    audience: str = required(_any_text)
    clients: Mapping[str, str] = required(_clients)
    db_host: str = required(_any_text)
    db_name: str = required(_any_text)
    db_user: str = required(_any_text)
    kms_key_id: str = required(_any_text)
    db_port: int = number(3306, at_least=1, at_most=65535)
    db_auth: str = choice("iam", "password")
    db_password: str = setting("", _any_text, is_shown=False)
    portal_map: str = setting("", _any_text)
    db_tls: str = choice("verify", "off", off="off")
    db_ca_file: str = setting("", _any_text)
    allowed_origins: tuple[str, ...] = setting((), _origins)
    security_bus: str = setting("", _any_text, off="")
    signing_algorithm: str = choice(*SIGNING_ALGORITHMS)
    signing_mode: str = choice("local", "kms")
    signing_kms_key_ids: tuple[str, ...] = setting((), _names)
    key_max_age_s: int = number(43_200, at_least=600, at_most=86_400)
    access_ttl_s: int = number(600, at_least=MIN_ACCESS_TTL_S, at_most=MAX_ACCESS_TTL_S)
    refresh_idle_ttl_s: int = number(1_209_600, at_least=MIN_TTL_S, at_most=MAX_TTL_S)
    refresh_absolute_ttl_s: int = number(2_592_000, at_least=MIN_TTL_S, at_most=MAX_TTL_S)
    session_idle_ttl_s: int = number(3600, at_least=MIN_TTL_S, at_most=MAX_TTL_S)
    session_absolute_ttl_s: int = number(43_200, at_least=MIN_TTL_S, at_most=MAX_TTL_S)
    device_idle_ttl_s: int = number(7_776_000, at_least=MIN_TTL_S, at_most=MAX_TTL_S)
    device_absolute_ttl_s: int = number(31_536_000, at_least=MIN_TTL_S, at_most=MAX_TTL_S)
    retry_window_s: int = number(10, at_least=0, at_most=MAX_RETRY_WINDOW_S, off=0)
    max_sessions: int = number(20, at_least=1, at_most=MAX_SESSIONS)
    max_devices: int = number(100, at_least=1, at_most=MAX_DEVICES)
    session_limit_action: str = choice(*(action.value for action in LimitAction))
    allowed_modes: str = choice("bearer,cookie", "bearer", "cookie")
    remember_devices: str = choice("yes", "no", off="no")
    notify_new_device: str = choice("yes", "no", off="no")
    label_scopes: tuple[tuple[str, frozenset[str]], ...] = setting((), _label_scopes)
    account_scope: str = setting("account", _account_scope, off="")
    acr_order: tuple[str, ...] = setting(ACR_ORDER, _acr_order)
    sensitive_max_auth_age_s: int = number(0, at_least=0, at_most=MAX_TTL_S)
    revocation_max_staleness_s: int = number(5, at_least=0, at_most=60)
    revocation_feed: str = choice("both", "log")
    revocations_route: str = choice("off", "iam", "public")
    revocation_fail_after_s: int = number(60, at_least=1, at_most=3600)
    jwks_max_age_s: int = number(300, at_least=1, at_most=3600)
    cleanup_retention_s: int = number(86_400, at_least=MIN_RETENTION_S, at_most=MAX_TTL_S)
    event_retention_s: int = number(7_776_000, at_least=86_400, at_most=10 * MAX_TTL_S)
    authorizer_response: str = choice("simple", "iam")
    argon2_memory_kib: int = number(19_456, at_least=7168, at_most=262_144)
    argon2_passes: int = number(2, at_least=1, at_most=20)
    argon2_lanes: int = number(1, at_least=1, at_most=8)
    authorizer_required_scope: str = setting("", _scopes)
    authorizer_required_acr: tuple[str, ...] = setting((), _acr_values)
    authorizer_max_auth_age_s: int = number(0, at_least=0, at_most=MAX_TTL_S)
    authorizer_route_scopes: tuple[tuple[str, str], ...] = setting((), _route_scopes)
    admin_label: str = setting("", _any_text, off="")
    admin_max_auth_age_s: int = number(3600, at_least=0, at_most=MAX_TTL_S, off=0)
    admin_ending_max_auth_age_s: int = number(900, at_least=0, at_most=MAX_TTL_S, off=0)
    admin_required_acr: tuple[str, ...] = setting((PASSWORD_ACR,), _acr_values, off=())
    credentials_url: str = setting("", _page_url)
    runbook_url: str = setting("", _folder_url)
    dpop_binding: str = choice("off", "on")
    dpop_required_clients: tuple[str, ...] = setting((), _names)
    dpop_nonce: str = choice("on", "off", off="off")
    dpop_public_urls: tuple[tuple[str, tuple[str, ...]], ...] = setting((), _public_urls)
    edge_key_header: str = setting("x-edge-key", _edge_key_header)
    edge_key_hashes: tuple[bytes, ...] = setting((), _edge_key_hashes)
    edge_address: str = choice("cloudfront", "x-forwarded-for")
    edge_required: str = choice("no", "yes")
    aws_region: str = setting("", _any_text)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check them all. Raises SettingsError naming the variable."""
        settings = cls(**_read(fields(cls), env))
        if settings.db_tls == "off" and settings.db_auth == "iam":
            raise SettingsError("DB_AUTH=iam needs DB_TLS=verify: the login token goes in clear text")
        if settings.signing_mode == "kms" and not settings.signing_kms_key_ids:
            raise SettingsError("SIGNING_MODE=kms needs SIGNING_KMS_KEY_IDS")
        if settings.authorizer_route_scopes and settings.authorizer_response == "simple":
            raise SettingsError(
                "AUTHORIZER_ROUTE_SCOPES needs AUTHORIZER_RESPONSE=iam: a simple response holds for all routes"
            )
        if settings.edge_required == "yes" and not settings.edge_key_hashes:
            raise SettingsError("EDGE_REQUIRED=yes needs EDGE_KEY_HASHES")
        _check_binding(settings)
        _check_https(settings)
        _check_token_fits(settings)
        # The service's own pages are not foreign to it.
        own = origin_of(settings.issuer)
        return replace(settings, allowed_origins=tuple(dict.fromkeys((own, *settings.allowed_origins))))

    @property
    def switched_off(self) -> list[str]:
        """The variables by which this deployment has something switched off."""
        return [f.name.upper() for f in fields(self) if getattr(self, f.name) == f.metadata["off"]]

    @property
    def binds_keys(self) -> bool:
        """Whether new sessions are bound to the keys of proofs."""
        return self.dpop_binding == "on"

    def edge(self) -> Edge:
        """The CDN in front that is trusted; none without keys."""
        from auth_tokens.domain.edge import AddressSource, Edge

        source = AddressSource(self.edge_address)
        return Edge(self.edge_key_header, self.edge_key_hashes, source, self.edge_required == "yes")

    def route_scopes(self) -> RouteScopes:
        """Which scope opens which routes behind the authorizer."""
        return RouteScopes(self.authorizer_route_scopes)

    def requirements(self) -> Requirements:
        """What the authorizer asks of every caller."""
        return Requirements(
            self.authorizer_required_scope,
            self.authorizer_required_acr,
            self.authorizer_max_auth_age_s or None,
        )

    def token_room(self) -> TokenRoom:
        """How much an access token has room for."""
        return token_room(signs_by_kms=self.signing_mode == "kms")

    def admin_requirements(self) -> Requirements:
        """What the operators' pages ask of their users, beyond the label."""
        return Requirements("", self.admin_required_acr, self.admin_max_auth_age_s or None)

    def admin_ending_requirements(self) -> Requirements:
        """The same, to end sessions and devices: the shorter age of the two."""
        ages = filter(None, (self.admin_max_auth_age_s, self.admin_ending_max_auth_age_s))
        return Requirements("", self.admin_required_acr, min(ages, default=None))

    def policy(self) -> Policy:
        """What holds for users without preferences of their own."""
        from auth_tokens.domain.policy import PREFERENCES, Policy

        overridable = {name: each.value_of(getattr(self, name)) for name, each in PREFERENCES.items()}
        return Policy(
            **overridable,
            max_devices=self.max_devices,
            retry_window_s=self.retry_window_s,
            clients=self.clients,
            label_scopes=dict(self.label_scopes),
            labels_max_bytes=self.token_room().labels,
            acr_order=self.acr_order,
            bound_clients=frozenset(self.dpop_required_clients),
            binds_keys=self.binds_keys,
        )


def _read(declared: Sequence[Field[Any]], env: Mapping[str, str]) -> dict[str, Any]:
    """Field → value of those that are set. Raises SettingsError."""
    values = {}
    for each in declared:
        text = env.get(each.name.upper())
        if text or (text == "" and each.metadata["off"] in ("", ())):
            values[each.name] = each.metadata["parser"](each.name.upper(), text)
    missing = [f.name.upper() for f in declared if f.default is MISSING and f.name not in values]
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)}")
    return values


def _check_binding(settings: Settings) -> None:
    if not settings.dpop_required_clients:
        return
    if not settings.binds_keys:
        raise SettingsError("DPOP_REQUIRED_CLIENTS needs DPOP_BINDING=on")
    if not set(settings.dpop_required_clients) <= settings.clients.keys():
        raise SettingsError("DPOP_REQUIRED_CLIENTS must be clients of CLIENTS, comma-separated")


def _check_https(settings: Settings) -> None:
    """Plain http is for local mode, which is where the issuer itself is on a loopback address."""
    if settings.issuer.startswith("http://"):
        if not is_loopback(origin_of(settings.issuer)):
            raise SettingsError("ISSUER must be https; http is for local mode, on a loopback address")
        return
    for origin in settings.allowed_origins:
        if not origin.startswith("https://"):
            raise SettingsError(f"ALLOWED_ORIGINS must be https, unlike {origin}; http is for local mode")


def _check_token_fits(settings: Settings) -> None:
    """An access token of any client must be one that our own verifiers take, and that KMS signs."""
    for client, scope in settings.clients.items():
        if len(scope) > MAX_SCOPE_LENGTH:
            raise SettingsError(
                f"CLIENTS: the scopes of {client} are longer than {MAX_SCOPE_LENGTH} characters together"
            )
    longest = max(map(len, settings.clients.values()))
    names = longest + sum(
        len(json.dumps(name, ensure_ascii=False).encode("utf-8", "replace"))
        for name in (settings.issuer, settings.audience)
    )
    if names > settings.token_room().names:
        raise SettingsError(
            f"ISSUER, AUDIENCE and the scopes of a client in CLIENTS have {names} bytes together: access tokens have"
            f" room for {settings.token_room().names} (SIGNING_MODE={settings.signing_mode})"
        )


def service_name(default: str) -> str:
    """What logs and metrics are told apart by: the deployment's name, as Powertools too would read it."""
    return os.environ.get("POWERTOOLS_SERVICE_NAME", default)


_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def load_settings() -> Settings:
    """The settings of this execution environment."""
    return Settings.from_env(os.environ)


def aws_credentials() -> dict[str, str]:
    """The function's own AWS credentials, as Lambda puts them into the environment."""
    return {name: os.environ[name] for name in _CREDENTIALS if name in os.environ}

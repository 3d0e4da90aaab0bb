"""The service's settings: the only reader of the environment. Units are in the names."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING

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
from auth_tokens.domain.requirements import PASSWORD_ACR, Requirements
from auth_tokens.domain.route_scopes import RouteScopes
from auth_tokens.domain.scopes import MAX_SCOPE_LENGTH, is_scope

if TYPE_CHECKING:  # a type alone, and the authorizer's every start would pay for it
    from auth_tokens.domain.edge import Edge
    from auth_tokens.domain.policy import Policy

SIGNING_ALGORITHMS = ("ES256", "RS256", "EdDSA")

# name: (least, most); anything outside is a deployment error, found at cold start.
_BOUNDS = {
    "db_port": (1, 65535),
    "access_ttl_s": (MIN_ACCESS_TTL_S, MAX_ACCESS_TTL_S),
    "refresh_idle_ttl_s": (MIN_TTL_S, MAX_TTL_S),
    "refresh_absolute_ttl_s": (MIN_TTL_S, MAX_TTL_S),
    "session_idle_ttl_s": (MIN_TTL_S, MAX_TTL_S),
    "session_absolute_ttl_s": (MIN_TTL_S, MAX_TTL_S),
    "device_idle_ttl_s": (MIN_TTL_S, MAX_TTL_S),
    "device_absolute_ttl_s": (MIN_TTL_S, MAX_TTL_S),
    "retry_window_s": (0, MAX_RETRY_WINDOW_S),
    "max_sessions": (1, MAX_SESSIONS),
    "max_devices": (1, MAX_DEVICES),
    "revocation_max_staleness_s": (0, 60),
    "revocation_fail_after_s": (1, 3600),
    "jwks_max_age_s": (1, 3600),
    "cleanup_retention_s": (MIN_RETENTION_S, MAX_TTL_S),
    "event_retention_s": (86_400, 10 * MAX_TTL_S),
    "key_max_age_s": (600, 86_400),
    "argon2_memory_kib": (7168, 262_144),
    "argon2_passes": (1, 20),
    "argon2_lanes": (1, 8),
    "authorizer_max_auth_age_s": (0, MAX_TTL_S),
    "admin_max_auth_age_s": (0, MAX_TTL_S),
}
_CHOICES = {
    "db_auth": ("iam", "password"),
    "db_tls": ("verify", "off"),
    "signing_algorithm": SIGNING_ALGORITHMS,
    "signing_mode": ("local", "kms"),
    "authorizer_response": ("simple", "iam"),
    "edge_address": ("cloudfront", "x-forwarded-for"),
    "edge_required": ("no", "yes"),
    "session_limit_action": tuple(action.value for action in LimitAction),
    "allowed_modes": ("bearer,cookie", "bearer", "cookie"),
    "remember_devices": ("yes", "no"),
    "notify_new_device": ("yes", "no"),
}

# What each of these is where it switches something off: said at each cold start, since only a deployment changes it.
_OFF: Mapping[str, object] = {
    "db_tls": "off",
    "security_bus": "",
    "retry_window_s": 0,
    "remember_devices": "no",
    "notify_new_device": "no",
    "account_scope": "",
    "admin_label": "",
    "admin_max_auth_age_s": 0,
    "admin_required_acr": (),
}

_CLIENTS_FORM = 'CLIENTS must be JSON like {"portal-web": ["portal:read"]}: clients and their scopes'
_LABEL_SCOPES_FORM = (
    'LABEL_SCOPES must be JSON like {"admin": ["portal:admin"]}: labels and the scopes that need them'
)
_ROUTE_SCOPES_FORM = (
    'AUTHORIZER_ROUTE_SCOPES must be JSON like {"GET/jobs": "jobs:read", "*/jobs/*": "jobs:write"}: routes and'
    " the scope that opens them, `*` for any method or as the last segment, 8 KB of policy at the most"
)
_ISSUER_FORM = (
    "must be a URL like https://tokens.example or https://tokens.example/base: in lower case and ASCII, without"
    " default port, user, query, fragment or a slash at its end"
)
_ORIGINS_FORM = (
    "must be a comma-separated list of origins as browsers send them, like https://portal.example: in lower case"
    " and ASCII (xn--…), without wildcards, default port, user or path"
)
# An empty text switches these off; any other setting left empty has its default.
_EMPTY_IS_OFF = ("account_scope", "admin_required_acr")
_REQUIRED = ("issuer", "audience", "clients", "db_host", "db_name", "db_user", "kms_key_id")


class SettingsError(ValueError):
    """A setting is missing or out of bounds; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One field an environment variable of the same name in upper case; README has the table."""

    issuer: str
    audience: str
    clients: Mapping[str, str]
    db_host: str
    db_name: str
    db_user: str
    kms_key_id: str
    db_port: int = 3306
    db_auth: str = "iam"
    db_password: str = field(default="", repr=False)
    db_tls: str = "verify"
    db_ca_file: str = ""
    allowed_origins: tuple[str, ...] = ()
    security_bus: str = ""
    signing_algorithm: str = "ES256"
    signing_mode: str = "local"
    signing_kms_key_ids: tuple[str, ...] = ()
    key_max_age_s: int = 43_200
    access_ttl_s: int = 600
    refresh_idle_ttl_s: int = 1_209_600
    refresh_absolute_ttl_s: int = 2_592_000
    session_idle_ttl_s: int = 3600
    session_absolute_ttl_s: int = 43_200
    device_idle_ttl_s: int = 7_776_000
    device_absolute_ttl_s: int = 31_536_000
    retry_window_s: int = 10
    max_sessions: int = 20
    max_devices: int = 100
    session_limit_action: str = LimitAction.EVICT_LEAST_RECENTLY_USED.value
    allowed_modes: str = "bearer,cookie"
    remember_devices: str = "yes"
    notify_new_device: str = "yes"
    label_scopes: tuple[tuple[str, frozenset[str]], ...] = ()
    account_scope: str = "account"
    revocation_max_staleness_s: int = 5
    revocation_fail_after_s: int = 60
    jwks_max_age_s: int = 300
    cleanup_retention_s: int = 86_400
    event_retention_s: int = 7_776_000
    authorizer_response: str = "simple"
    argon2_memory_kib: int = 19_456
    argon2_passes: int = 2
    argon2_lanes: int = 1
    authorizer_required_scope: str = ""
    authorizer_required_acr: tuple[str, ...] = ()
    authorizer_max_auth_age_s: int = 0
    authorizer_route_scopes: tuple[tuple[str, str], ...] = ()
    admin_label: str = ""
    admin_max_auth_age_s: int = 3600
    admin_required_acr: tuple[str, ...] = (PASSWORD_ACR,)
    edge_key_header: str = "x-edge-key"
    edge_key_hashes: tuple[bytes, ...] = ()
    edge_address: str = "cloudfront"
    edge_required: str = "no"
    aws_region: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check them all. Raises SettingsError naming the variable."""
        given = {f.name: env[f.name.upper()] for f in fields(cls) if f.name.upper() in env}
        values = {name: _parsed(name, text) for name, text in given.items() if text or name in _EMPTY_IS_OFF}
        missing = [name.upper() for name in _REQUIRED if name not in values]
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}")
        settings = cls(**values)  # type: ignore[arg-type]  # _parsed types each by its name
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
        _check_https(settings)
        _check_token_fits(settings)
        # The service's own pages are not foreign to it.
        own = origin_of(settings.issuer)
        return replace(settings, allowed_origins=tuple(dict.fromkeys((own, *settings.allowed_origins))))

    @property
    def switched_off(self) -> list[str]:
        """The variables by which this deployment has something switched off."""
        return [name.upper() for name, off in _OFF.items() if getattr(self, name) == off]

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

    def policy(self) -> Policy:
        """What holds for users without preferences of their own."""
        from auth_tokens.domain.policy import Lifetimes, Policy, kinds_of

        kinds = kinds_of(self.allowed_modes)
        assert kinds is not None
        return Policy(
            access_ttl_s=self.access_ttl_s,
            refresh=Lifetimes(self.refresh_idle_ttl_s, self.refresh_absolute_ttl_s),
            session=Lifetimes(self.session_idle_ttl_s, self.session_absolute_ttl_s),
            device=Lifetimes(self.device_idle_ttl_s, self.device_absolute_ttl_s),
            max_sessions=self.max_sessions,
            max_devices=self.max_devices,
            retry_window_s=self.retry_window_s,
            limit_action=LimitAction(self.session_limit_action),
            allowed_kinds=kinds,
            remember_devices=self.remember_devices == "yes",
            notify_new_device=self.notify_new_device == "yes",
            clients=self.clients,
            label_scopes=dict(self.label_scopes),
            labels_max_bytes=self.token_room().labels,
        )


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


def _parsed(name: str, text: str) -> object:
    if name in _BOUNDS:
        return _bounded(name, text)
    if name in _CHOICES and text not in _CHOICES[name]:
        raise SettingsError(f"{name.upper()} must be one of {', '.join(_CHOICES[name])}")
    if name == "authorizer_required_scope" and not is_scope(text):
        raise SettingsError("AUTHORIZER_REQUIRED_SCOPE must be scopes, each parted from the next by a blank")
    reader = _READERS.get(name)
    return reader(text) if reader else text


def _bounded(name: str, text: str) -> int:
    low, high = _BOUNDS[name]
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII) or not low <= int(text) <= high:
        raise SettingsError(f"{name.upper()} must be a whole number from {low} to {high}")
    return int(text)


def _clients(text: str) -> dict[str, str]:
    try:
        parsed = json.loads(text)
    except ValueError as exc:
        raise SettingsError(_CLIENTS_FORM) from exc
    if not isinstance(parsed, dict) or not parsed:
        raise SettingsError(_CLIENTS_FORM)
    for client, scopes in parsed.items():
        is_named = re.fullmatch(r"[!-~]{1,64}", client, re.ASCII)
        if not is_named or not isinstance(scopes, list) or not all(map(_is_scope, scopes)):
            raise SettingsError(_CLIENTS_FORM)
    return {client: " ".join(scopes) for client, scopes in parsed.items()}


def _label_scopes(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    try:
        parsed = json.loads(text)
    except ValueError as exc:
        raise SettingsError(_LABEL_SCOPES_FORM) from exc
    if not isinstance(parsed, dict):
        raise SettingsError(_LABEL_SCOPES_FORM)
    for scopes in parsed.values():
        if not isinstance(scopes, list) or not all(map(_is_scope, scopes)):
            raise SettingsError(_LABEL_SCOPES_FORM)
    return tuple((label, frozenset(scopes)) for label, scopes in parsed.items())


def _acr_values(name: str, text: str) -> tuple[str, ...]:
    if not text:
        return ()
    if not re.fullmatch(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*", text, re.ASCII):
        raise SettingsError(f"{name} must be acr values, each separated from the next by a space")
    return tuple(text.split(" "))


def _route_scopes(text: str) -> tuple[tuple[str, str], ...]:
    try:
        parsed = json.loads(text)
        if not isinstance(parsed, dict) or not all(v == "" or _is_scope(v) for v in parsed.values()):
            raise SettingsError(_ROUTE_SCOPES_FORM)
        return RouteScopes.of(parsed).routes
    except ValueError as exc:
        raise SettingsError(_ROUTE_SCOPES_FORM) from exc


def _edge_key_header(text: str) -> str:
    if not re.fullmatch(r"x-[a-z0-9-]{1,60}", text.lower(), re.ASCII):
        raise SettingsError("EDGE_KEY_HEADER must be the name of a header that begins with x-")
    return text.lower()


def _edge_key_hashes(text: str) -> tuple[bytes, ...]:
    hashes = [part.strip() for part in text.split(",")]
    if len(hashes) > 4 or not all(re.fullmatch(r"[0-9a-f]{64}", part, re.ASCII) for part in hashes):
        raise SettingsError(
            "EDGE_KEY_HASHES must be one to four SHA-256 hashes in lower-case hex, comma-separated: of the keys,"
            " never the keys themselves"
        )
    return tuple(bytes.fromhex(part) for part in hashes)


def _is_scope(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[!#-\[\]-~]+", value, re.ASCII) is not None


def _issuer(text: str) -> str:
    if not is_issuer(text):
        raise SettingsError(f"ISSUER {_written(issuer_spelling(text), _ISSUER_FORM)}")
    return text


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip(" \t") for origin in text.split(",") if origin.strip(" \t"))
    for origin in origins:
        if not is_origin(origin):
            raise SettingsError(f"ALLOWED_ORIGINS {_written(origin_spelling(origin), _ORIGINS_FORM)}")
    return origins


def _written(spelling: str | None, form: str) -> str:
    """The refusal of a spelling. It does not repeat what was written, which may hold a password."""
    return f"must be written {spelling}" if spelling else form


def _check_https(settings: Settings) -> None:
    """Plain http is for local mode, which is where the issuer itself is on a loopback address."""
    if settings.issuer.startswith("http://"):
        if not is_loopback(origin_of(settings.issuer)):
            raise SettingsError("ISSUER must be https; http is for local mode, on a loopback address")
        return
    for origin in settings.allowed_origins:
        if not origin.startswith("https://"):
            raise SettingsError(f"ALLOWED_ORIGINS must be https, unlike {origin}; http is for local mode")


def _key_ids(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


# The settings that are more than a text, a number or a choice.
def _account_scope(text: str) -> str:
    if text and not _is_scope(text):
        raise SettingsError("ACCOUNT_SCOPE must be one scope, or nothing to let any access token in")
    return text


_READERS: Mapping[str, Callable[[str], object]] = {
    "edge_key_header": _edge_key_header,
    "edge_key_hashes": _edge_key_hashes,
    "issuer": _issuer,
    "clients": _clients,
    "allowed_origins": _origins,
    "label_scopes": _label_scopes,
    "account_scope": _account_scope,
    "signing_kms_key_ids": _key_ids,
    "authorizer_required_acr": partial(_acr_values, "AUTHORIZER_REQUIRED_ACR"),
    "admin_required_acr": partial(_acr_values, "ADMIN_REQUIRED_ACR"),
    "authorizer_route_scopes": _route_scopes,
}


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

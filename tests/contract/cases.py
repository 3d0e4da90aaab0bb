"""Requests to every route, good and bad, and how each is answered."""

from collections.abc import Iterator
from functools import partial

from auth_tokens.domain.acr import PASSWORD_ACR
from auth_tokens.web.request_body import MAX_BODY_BYTES
from local.seed import PASSWORD, USERS
from tests.contract.document import OPERATIONS, body_type, security_schemes
from tests.contract.visitor import CLIENT, FORM, Case, Who

CAROL = USERS[2]  # disabled
NO_ID = "01900000-0000-7000-8000-000000000000"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_TOKEN = "urn:auth-user-tokens:token-type:device"
STEP_UP = "insufficient_user_authentication"
TOO_LONG_AN_ID = "u" * 37
TOKENS = ("$access_token", "$refresh_token", "$device_token", "$session_token")

LOGIN = {"username": "$username", "password": PASSWORD}
VOUCH = {"user_id": "$user_id", "amr": ["mfa"]}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "$refresh_token"}
FROM_ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Origin": "https://elsewhere.example"},
    {"Sec-Fetch-Site": "cross-site"},
)
BROWSER_REFRESH = {"grant_type": "refresh_token"}
OPEN = {"grant_type": EXCHANGE, "subject_token": "$device_token", "subject_token_type": DEVICE_TOKEN}


def _sign_in() -> Iterator[Case]:
    case = partial(Case, "POST /auth/login")
    yield case("a password", 200, body=LOGIN)
    yield case("a device to remember", 200, body={**LOGIN, "device": {"name": "x", "remember": True}})
    yield case("a device token that is no good", 200, body={**LOGIN, "device": {"token": "x"}})
    yield case(
        "a device token of another type", 400, "invalid_request", body={**LOGIN, "device": {"token": 7}}
    )
    yield case("a cookie wanted", 200, body={**LOGIN, "mode": "cookie"})
    yield case("no password", 400, "invalid_request", body={"username": "$username"})
    yield case("a proof", 200, who=Who.ASKING_BY_PROOF, body=LOGIN)
    yield case("a proof that is none", 400, "invalid_dpop_proof", body=LOGIN, headers={"DPoP": "x"})
    yield case("a proof without a nonce", 400, "use_dpop_nonce", who=Who.ASKING_WITHOUT_NONCE, body=LOGIN)
    cookie = {**LOGIN, "mode": "cookie"}
    yield case("a proof for a cookie", 400, "invalid_request", who=Who.ASKING_BY_PROOF, body=cookie)
    yield case("an unknown mode", 400, "invalid_request", body={**LOGIN, "mode": "both"})
    yield case("no such client", 401, "invalid_client", body={**LOGIN, "client_id": "nobody"})
    yield case("too wide a scope", 400, "invalid_scope", body={**LOGIN, "scope": "everything"})
    yield case("a wrong password", 401, "invalid_credentials", body={**LOGIN, "password": "wrong"})
    yield case("a disabled user", 401, "invalid_credentials", body={**LOGIN, "username": CAROL.username})
    full = {**LOGIN, "username": "$full_username"}
    yield case("a mode not allowed", 403, "access_denied", body={**full, "mode": "cookie"})
    yield case("one session too many", 403, "session_limit_reached", body=full)
    for headers in FROM_ELSEWHERE:
        browser = {**LOGIN, "mode": "cookie"}
        yield case(f"a cookie wanted by {headers}", 403, "access_denied", body=browser, headers=headers)

    case = partial(Case, "POST /auth/issue", who=Who.SIGNED)
    options = {
        "acr": "high",
        "auth_time": 1_700_000_000,
        "not_after": 4_000_000_000,
        "scope": "portal:read",
        "client_id": "portal-app",
    }
    yield case("a user's id", 200, body=VOUCH)
    yield case("every option", 200, body={**VOUCH, **options})
    yield case("a known device", 200, body={**VOUCH, "device": {"id": "$device_id", "platform": "x"}})
    yield case("a cookie wanted", 200, body={**VOUCH, "mode": "cookie"})
    for headers in FROM_ELSEWHERE:
        browser = {**VOUCH, "mode": "cookie"}
        yield case(f"a cookie wanted by {headers}", 403, "access_denied", body=browser, headers=headers)
    yield case("a key to repeat by", 200, body=VOUCH, headers={"Idempotency-Key": "0b9b1c9e"})
    yield case("no key to repeat by", 400, "invalid_request", body=VOUCH, headers={"Idempotency-Key": ""})
    yield case("a key to bind", 200, body={**VOUCH, "dpop_jkt": CLIENT.jkt})
    yield case("no key to bind", 400, "invalid_request", body={**VOUCH, "dpop_jkt": "x"})
    to_bind = {**VOUCH, "dpop_jkt": CLIENT.jkt, "mode": "cookie"}
    yield case("a key to bind to a cookie", 400, "invalid_request", body=to_bind)
    yield case("no methods", 400, "invalid_request", body={"user_id": "$user_id"})
    yield case("a future", 400, "invalid_request", body={**VOUCH, "auth_time": 2**40 - 1})
    yield case("an end that is past", 400, "invalid_request", body={**VOUCH, "not_after": 1_700_000_000})
    yield case("no such client", 401, "invalid_client", body={**VOUCH, "client_id": "nobody"})
    yield case("a mistyped scope", 400, "invalid_scope", body={**VOUCH, "scope": " "})
    yield case("a disabled user", 403, "access_denied", body={**VOUCH, "user_id": CAROL.id})
    yield case("an unknown user", 403, "access_denied", body={**VOUCH, "user_id": "nobody"})
    yield case(
        "one session too many", 403, "session_limit_reached", body={**VOUCH, "user_id": "$full_user_id"}
    )

    said = {"session_id": "$session_id", "user_id": "$user_id", "amr": ["pwd"], "acr": PASSWORD_ACR}
    yield case("in a live session", 200, body=said)
    yield case("in no session", 404, "not_found", body={**said, "session_id": NO_ID})
    yield case("in another user's session", 404, "not_found", body={**said, "user_id": "nobody"})
    yield case("before its own sign-in", 400, "invalid_request", body={**said, "auth_time": 0})
    for fixed in ({"mode": "cookie"}, {"scope": "portal:read"}, {"client_id": "portal-web"}, {"device": {}}):
        yield case(f"in a live session with {fixed}", 400, "invalid_request", body={**said, **fixed})


def _step_ups() -> Iterator[Case]:
    case = partial(Case, "POST /auth/step-up")
    proven = {"refresh_token": "$refresh_token", "password": PASSWORD}
    yield case("a proof that is none", 400, "invalid_dpop_proof", body=proven, headers={"DPoP": "x"})
    yield case("a proof without a nonce", 400, "use_dpop_nonce", who=Who.ASKING_WITHOUT_NONCE, body=proven)
    step_up = {"password": PASSWORD, "refresh_token": "$refresh_token"}
    by_cookie = {"password": PASSWORD}
    asked = {"acr_values": f"{PASSWORD_ACR} urn:mfa", "max_age": 900}
    yield case("a bearer", 200, body={**step_up, **asked}, headers={"Idempotency-Key": "5f0e"})
    yield case("a browser", 200, who=Who.COOKIE, body={**by_cookie, **asked})
    yield case("a browser's token beside its cookie", 200, who=Who.COOKIE, body=step_up)
    yield case("a wrong password", 401, "invalid_credentials", body={**step_up, "password": "wrong"})
    yield case(
        "a browser's wrong one", 401, "invalid_credentials", who=Who.COOKIE, body={"password": "wrong"}
    )
    unmet = "unmet_authentication_requirements"
    yield case("a stronger class", 400, unmet, body={**step_up, "acr_values": "urn:mfa"})
    yield case("no password", 400, "invalid_request", body={"refresh_token": "$refresh_token"})
    yield case("no token", 400, "invalid_request", body=by_cookie)
    yield case("an age of words", 400, "invalid_request", body={**step_up, "max_age": "900"})
    yield case("too many classes", 400, "invalid_request", body={**step_up, "acr_values": "a " * 11})
    yield case("too long a class", 400, "invalid_request", body={**step_up, "acr_values": "a" * 65})
    yield case("no key to repeat by", 400, "invalid_request", body=step_up, headers={"Idempotency-Key": ""})
    for token in ("garbage", "$access_token", "$device_token", "$session_token"):
        yield case(f"by {token}", 400, "invalid_grant", body={**step_up, "refresh_token": token})
    yield case("no such client", 401, "invalid_client", body={**step_up, "client_id": "nobody"})
    yield case("another client", 400, "invalid_grant", body={**step_up, "client_id": "portal-app"})
    for who in (Who.COOKIE_WITHOUT_CSRF, Who.COOKIE_FROM_ELSEWHERE):
        yield case(f"a {who.name.lower()}", 403, "access_denied", who=who, body=by_cookie)


def _tokens() -> Iterator[Case]:
    case, keyed = partial(Case, "POST /auth/token"), {"Idempotency-Key": "5f0e"}
    twice = b"grant_type=refresh_token&grant_type=refresh_token"
    yield case("a refresh token", 200, body=REFRESH, content_type=FORM, headers=keyed)
    yield case("a refresh token in JSON", 200, body={**REFRESH, "scope": "portal:read"})
    yield case("a device token", 200, body=OPEN, content_type=FORM)
    yield case("a device token for a cookie", 200, body={**OPEN, "mode": "cookie"})
    yield case("a browser's cookie", 200, who=Who.COOKIE, body=BROWSER_REFRESH, content_type=FORM)
    yield case("a device token by proof", 200, who=Who.ASKING_BY_PROOF, body=OPEN)
    yield case("a proof that is none", 400, "invalid_dpop_proof", body=REFRESH, headers={"DPoP": "x"})
    yield case("a proof without a nonce", 400, "use_dpop_nonce", who=Who.ASKING_WITHOUT_NONCE, body=REFRESH)
    yield case("an audience", 400, "invalid_target", body={**OPEN, "audience": "portal"})
    yield case("no token", 400, "invalid_request", body=BROWSER_REFRESH)
    yield case("no grant type", 400, "invalid_request", body={}, content_type=FORM)
    yield case("a cookie for a refresh token", 400, "invalid_request", body={**REFRESH, "mode": "cookie"})
    yield case("another type of token", 400, "invalid_request", body={**OPEN, "subject_token_type": "jwt"})
    yield case("no key to repeat by", 400, "invalid_request", body=REFRESH, headers={"Idempotency-Key": ""})
    yield case("a parameter twice", 400, "invalid_request", body=twice, content_type=FORM)
    yield case("garbage", 400, "invalid_grant", body={**REFRESH, "refresh_token": "garbage"})
    yield case("another kind", 400, "invalid_grant", body={**REFRESH, "refresh_token": "$device_token"})
    yield case("another client", 400, "invalid_grant", body={**REFRESH, "client_id": "portal-app"})
    yield case("no such client", 401, "invalid_client", body={**REFRESH, "client_id": "nobody"})
    basic = {"Authorization": "Basic cG9ydGFsLXdlYjo="}
    yield case("a client that authenticates", 401, "invalid_client", body=REFRESH, headers=basic)
    yield case("too wide a scope", 400, "invalid_scope", body={**REFRESH, "scope": "everything"})
    yield case("a password grant", 400, "unsupported_grant_type", body={"grant_type": "password"})
    for who in (Who.COOKIE_WITHOUT_CSRF, Who.COOKIE_FROM_ELSEWHERE):
        yield case(f"a {who.name.lower()}", 403, "access_denied", who=who, body=BROWSER_REFRESH)
    for headers in FROM_ELSEWHERE:
        browser = {**OPEN, "mode": "cookie"}
        yield case(f"a cookie wanted by {headers}", 403, "access_denied", body=browser, headers=headers)
    full = {**OPEN, "subject_token": "$full_device_token"}
    yield case("a mode not allowed", 403, "access_denied", body={**full, "mode": "cookie"})
    yield case("one session too many", 403, "session_limit_reached", body=full)

    case = partial(Case, "POST /auth/revoke")
    for token in TOKENS:
        yield case(f"of {token}", 200, body={"token": token}, content_type=FORM)
    yield case("in JSON", 200, body={"token": "$refresh_token", "client_id": "portal-web"})
    yield case("garbage with a hint", 200, body={"token": "garbage", "token_type_hint": "access_token"})
    yield case("no such client", 401, "invalid_client", body={"token": "x", "client_id": "nobody"})
    yield case("a client that authenticates", 401, "invalid_client", body={"token": "x"}, headers=basic)
    yield case("no token", 400, "invalid_request", body={}, content_type=FORM)
    yield case("a number for a token", 400, "invalid_request", body={"token": 1})

    case = partial(Case, "POST /auth/introspect", who=Who.SIGNED)
    for token in TOKENS:
        yield case(f"of {token}", 200, body={"token": token}, content_type=FORM)
    yield case("garbage with a hint", 200, body={"token": "garbage", "token_type_hint": "access_token"})
    yield case("no token", 400, "invalid_request", body={})


def _sessions() -> Iterator[Case]:
    case = partial(Case, "POST /auth/logout")
    yield case("no body", 204, who=Who.BEARER)
    yield case("all sessions", 204, who=Who.BEARER, body={"scope": "all"})
    yield case("a browser", 204, who=Who.COOKIE, body={})
    yield case("a browser's other sessions", 204, who=Who.COOKIE, body={"scope": "others"})
    yield case("but for the devices", 204, who=Who.BEARER, body={"scope": "others", "keep_devices": True})
    yield case("a narrow token's own session", 204, who=Who.NARROW_BEARER, body={"scope": "current"})
    for scope in ("others", "all"):
        body = {"scope": scope}
        yield case(f"{scope} by a narrow token", 403, "insufficient_scope", who=Who.NARROW_BEARER, body=body)
    yield case("an unknown scope", 400, "invalid_request", who=Who.BEARER, body={"scope": "some"})
    yield case("no flag", 400, "invalid_request", who=Who.BEARER, body={"keep_devices": "yes"})
    bad = {"Authorization": "Bearer nonsense"}
    yield case("signed out already", 204)
    yield case("a bad cookie", 204, headers={"Cookie": "__Host-session=x"})
    yield case("a cookie twice", 204, headers={"Cookie": "__Host-session=x; __Host-session=y"})
    yield case("a bad token", 204, headers=bad)
    yield case("a bad token and a good cookie", 204, who=Who.COOKIE, headers=bad)
    elsewhere = {"Origin": "https://elsewhere.example"}
    yield case("signed out, from elsewhere", 403, "access_denied", headers=elsewhere)
    for scope in ("others", "all"):
        yield case(f"{scope} by nobody", 401, body={"scope": scope})
        yield case(f"{scope} by a bad token", 401, "invalid_token", body={"scope": scope}, headers=bad)
    old = partial(case, who=Who.OLD_BEARER)
    yield old("others after an old sign-in", 401, STEP_UP, body={"scope": "others"})
    yield old("all after an old sign-in", 204, body={"scope": "all"})
    yield old("their own after an old sign-in", 204, body={})

    case = partial(Case, "GET /auth/session")
    yield case("a bearer", 200, who=Who.BEARER)
    yield case("a browser", 200, who=Who.COOKIE_WITHOUT_CSRF)
    yield case("by proof", 200, who=Who.PROOF)

    case = partial(Case, "GET /auth/sessions")
    yield case("a bearer", 200, who=Who.BEARER)
    yield case("a browser's first page", 200, who=Who.COOKIE_WITHOUT_CSRF, query={"limit": "1"})
    yield case("no whole limit", 400, "invalid_request", who=Who.BEARER, query={"limit": "many"})
    yield case("a made-up cursor", 400, "invalid_request", who=Who.BEARER, query={"cursor": "x"})

    yield case("a narrow token", 403, "insufficient_scope", who=Who.NARROW_BEARER)

    case = partial(Case, "DELETE /auth/sessions/{session_id}")
    yield case("another by a narrow token", 403, "insufficient_scope", who=Who.NARROW_BEARER)
    yield case("another after an old sign-in", 401, STEP_UP, who=Who.OLD_BEARER)
    yield case("their own", 204, who=Who.BEARER)
    yield case("by a browser", 204, who=Who.COOKIE)
    yield case("but for its device", 204, who=Who.COOKIE, query={"keep_device": "true"})
    yield case("with its device", 204, who=Who.COOKIE, query={"keep_device": "false"})
    for text in ("yes", "True", "1", ""):
        yield case(f"keep_device={text}", 400, "invalid_request", who=Who.BEARER, query={"keep_device": text})
    yield case("an unknown one", 404, "not_found", who=Who.BEARER, path={"session_id": NO_ID})
    yield case("no id at all", 404, "not_found", who=Who.COOKIE, path={"session_id": "x"})


def _devices() -> Iterator[Case]:
    case = partial(Case, "GET /auth/devices")
    yield case("a bearer", 200, who=Who.BEARER)
    yield case("a browser's first page", 200, who=Who.COOKIE_WITHOUT_CSRF, query={"limit": "1"})
    yield case("no whole limit", 400, "invalid_request", who=Who.BEARER, query={"limit": "many"})
    yield case("too long a page", 400, "invalid_request", who=Who.BEARER, query={"limit": "101"})
    yield case("a made-up cursor", 400, "invalid_request", who=Who.BEARER, query={"cursor": "x"})

    yield case("a narrow token", 403, "insufficient_scope", who=Who.NARROW_BEARER)

    case = partial(Case, "GET /auth/events")
    yield case("a bearer", 200, who=Who.BEARER)
    yield case("a browser's first page", 200, who=Who.COOKIE_WITHOUT_CSRF, query={"limit": "1"})
    yield case("no whole limit", 400, "invalid_request", who=Who.BEARER, query={"limit": "many"})
    yield case("too long a page", 400, "invalid_request", who=Who.BEARER, query={"limit": "101"})
    yield case("a made-up cursor", 400, "invalid_request", who=Who.BEARER, query={"cursor": "x"})
    yield case("a narrow token", 403, "insufficient_scope", who=Who.NARROW_BEARER)

    case, body = partial(Case, "PATCH /auth/devices/{device_id}"), {"name": "another"}
    yield case("a narrow token", 403, "insufficient_scope", who=Who.NARROW_BEARER, body=body)
    yield case("their own", 200, who=Who.BEARER, body=body)
    yield case("by a browser", 200, who=Who.COOKIE, body=body)
    yield case("no name", 400, "invalid_request", who=Who.BEARER, body={"name": ""})
    yield case("an unknown one", 404, "not_found", who=Who.BEARER, body=body, path={"device_id": NO_ID})

    case = partial(Case, "DELETE /auth/devices/{device_id}")
    yield case("after an old sign-in", 401, STEP_UP, who=Who.OLD_BEARER)
    yield case("a narrow token", 403, "insufficient_scope", who=Who.NARROW_BEARER)
    yield case("their own", 204, who=Who.BEARER)
    yield case("by a browser", 204, who=Who.COOKIE)
    yield case("an unknown one", 404, "not_found", who=Who.BEARER, path={"device_id": NO_ID})
    yield case("a session's id", 404, "not_found", who=Who.BEARER, path={"device_id": "$session_id"})


def _discovery() -> Iterator[Case]:
    yield Case("GET /.well-known/jwks.json", "anyone", 200)
    yield Case("GET /.well-known/oauth-authorization-server", "anyone", 200)
    for route, who in (("GET /auth/revocations", Who.ANYONE), ("GET /admin/revocations", Who.SIGNED)):
        case = partial(Case, route, who=who)
        yield case("everything", 200)
        yield case("after a cursor", 200, query={"after": "0..0"})
        yield case("of another history", 410, "other_history", query={"after": f"{2**62}.{'0' * 16}.{2**62}"})
        yield case("no cursor", 400, "invalid_request", query={"after": "x"})


def _operators() -> Iterator[Case]:
    case = partial(Case, "GET /admin/users/{user_id}/sessions", who=Who.SIGNED)
    yield case("a user's", 200)
    yield case("a page", 200, query={"limit": "1"})
    yield case("an unknown user's", 200, path={"user_id": "nobody"})
    yield case("too short a page", 400, "invalid_request", query={"limit": "0"})
    yield case("too long an id", 404, "not_found", path={"user_id": TOO_LONG_AN_ID})

    yield from _look_ups("POST /admin/lookup", Who.SIGNED)

    case = partial(Case, "GET /admin/users/{user_id}/devices", who=Who.SIGNED)
    yield case("a user's", 200)
    yield case("a page", 200, query={"limit": "1"})
    yield case("an unknown user's", 200, path={"user_id": "nobody"})
    yield case("too short a page", 400, "invalid_request", query={"limit": "0"})
    yield case("too long an id", 404, "not_found", path={"user_id": TOO_LONG_AN_ID})

    yield from _ends("/admin", Who.SIGNED)

    # Long before there was anything: the whole suite is served by one stack.
    case, body = partial(Case, "POST /admin/revoke-before", who=Who.SIGNED), {"before": 1, "reason": "leak"}
    words = {"confirm": "end every session"}
    yield case("everything", 200, body={**body, **words})
    yield case(
        "a client", 200, body={**body, "client_id": "portal-web", "before": "1970-01-01T01:00:00+01:00"}
    )
    yield case("a user", 200, body={**body, "user_id": "$user_id"})
    yield case("an unknown user", 404, "not_found", body={**body, "user_id": "nobody"})
    yield case("an unknown client", 400, "invalid_request", body={**body, "client_id": "nobody"})
    yield case(
        "both", 400, "invalid_request", body={**body, "client_id": "portal-web", "user_id": "$user_id"}
    )
    yield case("everything without the words", 400, "invalid_request", body=body)
    yield case(
        "a client with the words", 400, "invalid_request", body={**body, **words, "client_id": "portal-web"}
    )
    yield case("no instant", 400, "invalid_request", body={"reason": "leak", **words})
    yield case("no reason", 400, "invalid_request", body={"before": 1, **words})
    yield case("a time to come", 400, "invalid_request", body={**body, **words, "before": 2**40 - 1})
    for instant in ("yesterday", "2026-11-30", "2026-11-30T12:00:00", "1969-12-31T00:00:00Z", True, 1.5, -1):
        yield case(f"{instant}", 400, "invalid_request", body={**body, **words, "before": instant})
    yield Case("GET /admin/revoke-before", "in force", 200, who=Who.SIGNED)

    case = partial(Case, "GET /admin/security/events", who=Who.SIGNED)
    chosen = {"user_id": "$user_id", "type": "session_issued", "since": "0", "limit": "1"}
    yield case("all", 200, query={"limit": "200"})
    yield case("a user's of a type", 200, query=chosen)
    yield case("of several types", 200, query={"type": "session_issued,new_device", "limit": "1"})
    yield case("an unknown type", 400, "invalid_request", query={"type": "party"})
    yield case("no cursor", 400, "invalid_request", query={"cursor": "x"})
    yield case("no user's id", 400, "invalid_request", query={"user_id": TOO_LONG_AN_ID})

    searched = {
        "source": "5" * 32,
        "session_id": "$session_id",
        "severity": "high",
        "until": "2026-12-01T00:00Z",
    }
    for name, text in searched.items():
        yield case(f"by {name}", 200, query={name: text})
        yield case(f"no {name}", 400, "invalid_request", query={name: "some"})
    yield case(
        "a severity of no finding", 400, "invalid_request", query={"severity": "low", "type": "new_device"}
    )
    yield case("a time without a zone", 400, "invalid_request", query={"since": "2026-12-01T00:00"})

    yield from _findings("/admin/security", Who.SIGNED)

    case = partial(Case, "POST /admin/security/events/replay", who=Who.SIGNED)
    again = {"since": 1_700_000_000, "until": "2023-11-15T00:00:00Z", "reason": "SIEM restored"}
    yield case("a span", 200, body=again)
    yield case("only counted", 200, body={**again, "dry_run": True})
    yield case("a span backwards", 400, "invalid_request", body={**again, "until": 1_600_000_000})
    yield case("an empty span", 400, "invalid_request", body={**again, "until": 1_700_000_000})
    yield case("a time without a zone", 400, "invalid_request", body={**again, "since": "2023-11-14T00:00"})
    yield case("no end", 400, "invalid_request", body={"since": 1, "reason": "x"})
    yield case("no reason", 400, "invalid_request", body={"since": 1, "until": 2})
    yield case("a made-up cursor", 400, "invalid_request", body={**again, "cursor": NO_ID})

    case = partial(Case, "POST /admin/security/events/{event_id}/skip", who=Who.SIGNED)
    refused = {"reason": "refused by the bus"}
    yield case("one that waits", 200, body=refused)
    yield case("no reason", 400, "invalid_request", body={})
    yield case("an unknown one", 404, "not_found", body=refused, path={"event_id": NO_ID})
    yield case("no id at all", 404, "not_found", body=refused, path={"event_id": "x"})

    case = partial(Case, "POST /admin/security/figures/recount", who=Who.SIGNED)
    yield case("from now on", 200, body={"since": "$now", "reason": "rows were inserted"})
    yield case("before all events", 400, "invalid_request", body={"since": 0, "reason": "x"})
    yield case("no reason", 400, "invalid_request", body={"since": "$now"})

    yield Case("GET /admin/debt", "all", 200, who=Who.SIGNED)
    yield Case("GET /admin/keys", "all", 200, who=Who.SIGNED)

    case = partial(Case, "POST /admin/keys/rotate", who=Who.SIGNED)
    yield case("what is due", 200, body={"reason": "after a pause"})
    yield case("too soon", 400, "invalid_request", body={"purpose": "token-chain", "reason": "leaked"})
    yield case("no such purpose", 400, "invalid_request", body={"purpose": "party", "reason": "x"})
    yield case("no reason", 400, "invalid_request", body={})

    case = partial(Case, "POST /admin/keys/withdraw", who=Who.SIGNED)
    yield case("the standby", 200, body={"kid": "$kid", "reason": "leaked"})
    yield case("an unknown one", 400, "invalid_request", body={"kid": "x", "reason": "leaked"})
    yield case("an unknown epoch", 400, "invalid_request", body={"kid": "metadata.99", "reason": "leaked"})
    yield case("no reason", 400, "invalid_request", body={"kid": "$kid"})

    case = partial(Case, "GET /admin/security/summary", who=Who.SIGNED)
    yield case("of a day", 200)
    yield case("of a minute", 200, query={"span_s": "60"})
    yield case("by day", 200, query={"span_s": "7776000", "step": "day"})
    yield case("of nothing", 400, "invalid_request", query={"span_s": "0"})
    yield case("by five minutes", 200, query={"span_s": "3600", "step": "5min"})
    yield case("of an own span", 200, query={"since": "$now", "step": "day"})
    yield case("by days of a zone", 200, query={"starts": "$now"})
    yield case("by week", 400, "invalid_request", query={"step": "week"})
    yield case("by days that are none", 400, "invalid_request", query={"starts": "$now,2026-12-01"})
    yield case("of two spans", 400, "invalid_request", query={"since": "$now", "span_s": "60"})


def _look_ups(route: str, who: Who) -> Iterator[Case]:
    """Of signed requests and of browser sessions."""
    case = partial(Case, route, who=who)
    for by, text in {"name": "$username", "user_id": "$user_id", "id": "$session_id"}.items():
        yield case(f"a user by {by}", 200, body={by: text})
        yield case(f"an unknown {by}", 404, "not_found", body={by: NO_ID})
    yield case("a device", 200, body={"id": "$device_id"})
    yield case("too long an id", 404, "not_found", body={"user_id": TOO_LONG_AN_ID})
    yield case("no id at all", 404, "not_found", body={"id": "x"})
    yield case("nothing", 400, "invalid_request", body={})
    yield case("two things", 400, "invalid_request", body={"name": "$username", "user_id": "$user_id"})


def _ends(prefix: str, who: Who) -> Iterator[Case]:
    """Of signed requests and of browser sessions."""
    for kind, other in (("session", "device"), ("device", "session")):
        route = f"POST {prefix}/{kind}s/{{{kind}_id}}/revoke"
        case, body = partial(Case, route, who=who), {"reason": "phone lost"}
        yield case("anybody's", 200, body=body)
        if kind == "session":
            yield case("but for its device", 200, body={**body, "keep_device": True})
            yield case("no flag", 400, "invalid_request", body={**body, "keep_device": "yes"})
        yield case("no reason", 400, "invalid_request", body={})
        yield case("an unknown one", 404, "not_found", body=body, path={f"{kind}_id": NO_ID})
        yield case("of another kind", 404, "not_found", body=body, path={f"{kind}_id": f"${other}_id"})

    case, body = partial(Case, f"POST {prefix}/users/{{user_id}}/revoke", who=who), {"reason": "leaver"}
    yield case("with a reason", 200, body=body)
    yield case("an unknown user's", 404, "not_found", body=body, path={"user_id": "nobody"})
    yield case("no reason", 400, "invalid_request", body={})
    yield case("too long an id", 404, "not_found", body=body, path={"user_id": TOO_LONG_AN_ID})


def _findings(prefix: str, who: Who) -> Iterator[Case]:
    """Of signed requests and of browser sessions."""
    case = partial(Case, f"GET {prefix}/findings", who=who)
    filters = {"state": "open", "rule": "far_apart", "severity": "low", "user_id": "$user_id", "since": "0"}
    yield case("all", 200)
    yield case("by everything", 200, query={**filters, "until": "9", "limit": "1"})
    for name in ("state", "rule", "severity", "since", "until", "cursor", "limit"):
        yield case(f"no {name}", 400, "invalid_request", query={name: "some"})
    yield case("no user's id", 400, "invalid_request", query={"user_id": TOO_LONG_AN_ID})

    case = partial(Case, f"GET {prefix}/findings/{{finding_id}}", who=who)
    yield case("one", 200)
    yield case("an unknown one", 404, "not_found", path={"finding_id": NO_ID})
    yield case("no id at all", 404, "not_found", path={"finding_id": "x"})

    case = partial(Case, f"POST {prefix}/findings/{{finding_id}}/state", who=who)
    looking = {"state": "acknowledged", "note": "looking into it"}
    yield case("in hand", 200, body=looking)
    yield case("done", 200, body={"state": "closed"})
    yield case("no state", 400, "invalid_request", body={"note": "x"})
    yield case("another state", 400, "invalid_request", body={"state": "done"})
    yield case("an unknown one", 404, "not_found", body=looking, path={"finding_id": NO_ID})


def _pages() -> Iterator[Case]:
    case = partial(Case, "GET /pages/{page}")
    for page in ("account", "security", "style.css", "frame.js", "settings.json"):
        yield case(page, 200, path={"page": page})
    yield case("no page", 404, "not_found", path={"page": "app.py"})

    case = partial(Case, "GET /console/summary", who=Who.COOKIE)
    yield case("of a day", 200)
    yield case("of nothing", 400, "invalid_request", query={"span_s": "0"})

    case = partial(Case, "GET /console/events", who=Who.COOKIE)
    yield case("a page", 200, query={"limit": "1"})
    yield case("an unknown type", 400, "invalid_request", query={"type": "party"})

    case = partial(Case, "GET /console/events/export", who=Who.COOKIE)
    yield case("a file of CSV", 200)
    yield case("a file of JSON", 200, query={"format": "json", "type": "login_failed,new_device"})
    yield case("another form", 400, "invalid_request", query={"format": "xml"})
    yield case("an unknown type", 400, "invalid_request", query={"type": "new_device,party"})
    yield case("no cursor", 400, "invalid_request", query={"cursor": "x"})
    for headers in FROM_ELSEWHERE:
        yield case(f"by {headers}", 403, "access_denied", headers=headers)

    case = partial(Case, "GET /console/inbox", who=Who.COOKIE)
    yield case("what is open", 200)
    filters = {"state": "closed", "rule": "far_apart", "severity": "low", "user_id": "$user_id"}
    yield case("by everything", 200, query={**filters, "limit": "1"})
    for name in ("state", "rule", "severity", "cursor", "limit"):
        yield case(f"no {name}", 400, "invalid_request", query={name: "some"})
    yield case("no user's id", 400, "invalid_request", query={"user_id": TOO_LONG_AN_ID})

    yield from _findings("/console", Who.COOKIE)
    yield from _look_ups("POST /console/lookup", Who.COOKIE)
    yield from _ends("/console", Who.COOKIE)

    case = partial(Case, "GET /console/findings/{finding_id}/sessions", who=Who.COOKIE)
    of_source = {"finding_id": "$source_finding_id"}
    yield case("of a source", 200, path=of_source)
    yield case("of no source", 400, "invalid_request")
    yield case("no cursor", 400, "invalid_request", path=of_source, query={"cursor": "x"})
    yield case("of an unknown one", 404, "not_found", path={"finding_id": NO_ID})

    case = partial(Case, "POST /console/sessions/revoke", who=Who.COOKIE)
    listed = {"session_ids": ["$session_id"], "reason": "came from that source"}
    yield case("those listed", 200, body=listed)
    yield case("but for their devices", 200, body={**listed, "keep_devices": True})
    yield case("an unknown one", 200, body={**listed, "session_ids": [NO_ID, "$device_id"]})
    for ids in ([], ["x"], [7], "$session_id", None, [NO_ID] * 101):
        yield case(f"no list of ids: {ids}"[:80], 400, "invalid_request", body={**listed, "session_ids": ids})
    yield case("no reason", 400, "invalid_request", body={"session_ids": [NO_ID]})
    yield case("no flag", 400, "invalid_request", body={**listed, "keep_devices": "yes"})

    case = partial(Case, "GET /console/users/{user_id}", who=Who.COOKIE)
    yield case("a user", 200)
    yield case("an unknown one", 404, "not_found", path={"user_id": "nobody"})
    yield case("a made-up page of sessions", 400, "invalid_request", query={"sessions_cursor": "x"})
    yield case("a made-up page of devices", 400, "invalid_request", query={"devices_cursor": "x"})
    yield case("too long an id", 404, "not_found", path={"user_id": TOO_LONG_AN_ID})


def _of_every_body() -> Iterator[Case]:
    """What any body can be wrong with, on each route that takes one."""
    for route in OPERATIONS:
        if body_type(route) is None:
            continue
        case = partial(Case, route, who=_welcome(route))
        yield case("no JSON", 400, "invalid_request", body=b"{")
        yield case("no JSON object", 400, "invalid_request", body=b"[]")
        yield case("a member twice", 400, "invalid_request", body=b'{"a": 1, "a": 1}')
        yield case("too long a body", 413, "invalid_request", body=b" " * (MAX_BODY_BYTES + 1))
        yield case("plain text", 415, "invalid_request", body=b"x", content_type="text/plain")
        if body_type(route) != FORM:
            yield case("a form", 415, "invalid_request", body=b"a=b", content_type=FORM)


def _of_every_operators_route() -> Iterator[Case]:
    """What an operator can mistype, on each route of theirs."""
    for route in OPERATIONS:
        path = route.partition(" ")[2]
        if not path.startswith(("/admin/", "/console/")):
            continue
        who = _welcome(route) if path.startswith("/admin/") else Who.COOKIE
        case, body = partial(Case, route, who=who), {"reason": "leaver"}
        takes_a_body, query = body_type(route) is not None, {"usr_id": "7"}
        sent = body if takes_a_body else None
        yield case("an unknown parameter", 400, "invalid_request", query=query, body=sent)
        if takes_a_body:
            yield case("an unknown member", 400, "invalid_request", body={**body, "usr_id": "7"})
        else:
            yield case("a body", 400, "invalid_request", body=body)


def _of_every_credential() -> Iterator[Case]:
    """What any credential can be wrong with, on each route that asks for one."""
    bad = {"Authorization": "Bearer nonsense"}
    for route in OPERATIONS:
        case, alternatives = partial(Case, route), security_schemes(route)
        if {"accessToken"} in alternatives and set() not in alternatives:
            yield case("no credential", 401)
            yield case("a token in the query", 401, query={"access_token": "$access_token"})
            yield case("a bad token", 401, "invalid_token", headers=bad)
            yield case("a bad token and a good cookie", 401, "invalid_token", who=Who.COOKIE, headers=bad)
            yield case("a bad cookie", 401, "invalid_token", headers={"Cookie": "__Host-session=x"})
        if {"accessToken"} in alternatives:
            yield from _of_a_proof(route)
        if {"accessToken"} in alternatives and {"sessionCookie", "csrfToken"} in alternatives:
            yield case("no CSRF token", 403, "access_denied", who=Who.COOKIE_WITHOUT_CSRF)
            yield case("from elsewhere", 403, "access_denied", who=Who.COOKIE_FROM_ELSEWHERE)
        if all("sessionCookie" in schemes for schemes in alternatives) and alternatives:
            yield from _of_a_browser_alone(route)
        if {"iam"} in alternatives:
            yield case("unsigned", 403)
            yield case("a bearer", 403, who=Who.BEARER)
            yield case("wrongly signed", 403, who=Who.WRONGLY_SIGNED)


def _of_a_proof(route: str) -> Iterator[Case]:
    """The same of a key-bound token."""
    case = partial(Case, route)
    yield case("no proof", 401, "invalid_dpop_proof", headers={"Authorization": "DPoP x"})
    yield case("a proof without a nonce", 401, "use_dpop_nonce", who=Who.PROOF_WITHOUT_NONCE)


def _of_a_browser_alone(route: str) -> Iterator[Case]:
    """The same on a route for operators' browser sessions."""
    case = partial(Case, route)
    yield from _of_a_proof(route)
    yield case("no credential", 401)
    yield case("a bad cookie", 401, "invalid_token", headers={"Cookie": "__Host-session=x"})
    yield case("an access token", 403, "access_denied", who=Who.BEARER)
    yield case("a weak sign-in", 401, STEP_UP, who=Who.WEAK_COOKIE)
    if not route.startswith("GET "):
        yield case("no CSRF token", 403, "access_denied", who=Who.COOKIE_WITHOUT_CSRF)
        yield case("from elsewhere", 403, "access_denied", who=Who.COOKIE_FROM_ELSEWHERE)


def _welcome(route: str) -> Who:
    """Somebody whom a route lets in."""
    schemes = set().union(*security_schemes(route))
    if "iam" in schemes:
        return Who.SIGNED
    if "accessToken" in schemes:
        return Who.BEARER
    return Who.COOKIE if "sessionCookie" in schemes else Who.ANYONE


CASES = (
    *_sign_in(),
    *_step_ups(),
    *_tokens(),
    *_sessions(),
    *_devices(),
    *_discovery(),
    *_operators(),
    *_pages(),
    *_of_every_body(),
    *_of_every_operators_route(),
    *_of_every_credential(),
)
GOOD = tuple(case for case in CASES if case.status < 300)

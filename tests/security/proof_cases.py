"""Proofs that are refused and proofs that are taken, by name, for each place that takes any (RFC 9449 §4.3)."""

import base64
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.proofs import ABSENT, Prover, prover, segment
from tests.support.world import START

# (client, method, url, token, further claims) → the header field.
MakesProof = Callable[[Prover, str, str, str | None, dict[str, Any]], str]


def changed(header: dict[str, Any] | None = None, **claims: Any) -> MakesProof:
    """A proof that is good but for what is given."""

    def make(client: Prover, method: str, url: str, token: str | None, more: dict[str, Any]) -> str:
        given = {**more, **claims}
        return client.proof(method, url, token=token, header=header, **given)

    return make


def spelt(change: Callable[[str], str]) -> MakesProof:
    """A good proof whose text is changed."""

    def make(client: Prover, method: str, url: str, token: str | None, more: dict[str, Any]) -> str:
        return change(client.proof(method, url, token=token, **more))

    return make


def jwk(**members: Any) -> MakesProof:
    """A proof whose key has other members."""

    def make(client: Prover, method: str, url: str, token: str | None, more: dict[str, Any]) -> str:
        key = {name: value for name, value in {**client.jwk, **members}.items() if value is not ABSENT}
        return client.proof(method, url, token=token, header={"jwk": key}, **more)

    return make


def located(change: Callable[[str], str]) -> MakesProof:
    """A proof for another URL."""

    def make(client: Prover, method: str, url: str, token: str | None, more: dict[str, Any]) -> str:
        return client.proof(method, change(url), token=token, **more)

    return make


def raw(change: Callable[[dict[str, Any], dict[str, Any]], tuple[bytes, bytes]]) -> MakesProof:
    """A proof over bytes: (header, claims) → the two as they stand in it."""

    def make(client: Prover, method: str, url: str, token: str | None, more: dict[str, Any]) -> str:
        claims = client.claims(method, url, token=token, **more)
        return client.signed(*change(client.header(), claims))

    return make


def swapped_signature(text: str) -> str:
    """The proof with the signature of another text."""
    other = prover().proof("GET", "https://elsewhere.example/").rpartition(".")[2]
    return f"{text.rpartition('.')[0]}.{other}"


def in_der(text: str) -> str:
    signed, _, signature = text.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:]
    return f"{signed}.{segment(der)}"


def with_member(raw_json: dict[str, Any], member: str) -> bytes:
    return (json.dumps(raw_json)[:-1] + f", {member}}}").encode()


def upper(text: str) -> str:
    return text.upper() if text != text.upper() else text.lower()


RSA = {
    "kty": "RSA",
    "e": "AQAB",
    "n": segment(
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .public_key()
        .public_numbers()
        .n.to_bytes(256, "big")
    ),
}
BAD: dict[str, MakesProof] = {
    # 1: one field, its form
    "empty": spelt(lambda text: ""),
    "no JWT": spelt(lambda text: "proof"),
    "two segments": spelt(lambda text: text.rpartition(".")[0]),
    "four segments": spelt(lambda text: text + ".AAAA"),
    "two proofs joined": spelt(lambda text: f"{text}, {text}"),
    "two proofs joined without a space": spelt(lambda text: f"{text},{text}"),
    "a comma behind it": spelt(lambda text: text + ","),
    "padding": spelt(lambda text: text + "=="),
    "a space within": spelt(lambda text: text.replace(".", " .", 1)),
    "a line break within": spelt(lambda text: text.replace(".", "\n.", 1)),
    "a plus": spelt(lambda text: text[:-1] + "+"),
    "letters beyond ASCII": spelt(lambda text: text + "ä"),
    "digits beyond ASCII": spelt(lambda text: text + "١"),
    "a NUL": spelt(lambda text: text + "\0"),
    "an empty signature": spelt(lambda text: text.rpartition(".")[0] + "."),
    "spare bits set": spelt(lambda text: text[:-1] + chr(ord(text[-1]) + 1)),
    "oversized": changed(padding="a" * 4096),
    "a JSON serialisation": raw(lambda header, claims: (b'{"payload": ""}', b"{}")),
    # 2: the header
    "typ JWT": changed({"typ": "JWT"}),
    "typ at+jwt": changed({"typ": "at+jwt"}),
    "typ with application/": changed({"typ": "application/dpop+jwt"}),
    "no typ": changed({"typ": ABSENT}),
    "typ a list": changed({"typ": ["dpop+jwt"]}),
    "crit": changed({"crit": ["exp"]}),
    "crit empty": changed({"crit": []}),
    "b64": changed({"b64": False, "crit": ["b64"]}),
    "b64 true": changed({"b64": True}),
    "zip": changed({"zip": "DEF"}),
    "jku": changed({"jku": "https://elsewhere.example/jwks"}),
    "x5u": changed({"x5u": "https://elsewhere.example/x5u"}),
    "x5c": changed({"x5c": ["AAAA"]}),
    "a header that is a list": raw(lambda header, claims: (b"[]", json.dumps(claims).encode())),
    "a header that is a text": raw(lambda header, claims: (b'"x"', json.dumps(claims).encode())),
    "a header that is no JSON": raw(lambda header, claims: (b"{", json.dumps(claims).encode())),
    "a header that is no UTF-8": raw(lambda header, claims: (b"\xff", json.dumps(claims).encode())),
    "a header with a member twice": raw(
        lambda header, claims: (with_member(header, '"typ": "dpop+jwt"'), json.dumps(claims).encode())
    ),
    "a key with a member twice": raw(
        lambda header, claims: (
            json.dumps(header).replace('"kty"', '"kty": "oct", "kty"', 1).encode(),
            json.dumps(claims).encode(),
        )
    ),
    "nested without end": raw(
        lambda header, claims: (b'{"a":' * 500 + b"1" + b"}" * 500, json.dumps(claims).encode())
    ),
    "a JWT within a JWT": raw(lambda header, claims: (b'{"cty": "JWT"}', b"eyJhbGciOiJub25lIn0.e30.")),
    # 3: the algorithm
    "alg none": changed({"alg": "none"}),
    "alg NONE": changed({"alg": "NONE"}),
    "no alg": changed({"alg": ABSENT}),
    "alg null": changed({"alg": None}),
    "alg a list": changed({"alg": ["ES256"]}),
    "alg HS256": changed({"alg": "HS256"}),
    "alg HS256 with a symmetric key": changed({"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}),
    "alg RS256": changed({"alg": "RS256"}),
    "alg RS256 with its key": changed({"alg": "RS256", "jwk": RSA}),
    "alg PS256 with its key": changed({"alg": "PS256", "jwk": RSA}),
    "alg ES256 with an RSA key": changed({"alg": "ES256", "jwk": RSA}),
    "alg ES384": changed({"alg": "ES384"}),
    "alg ES256K": changed({"alg": "ES256K"}),
    "alg es256": changed({"alg": "es256"}),
    "alg of another kind of key": changed({"alg": "EdDSA"}),
    "alg Ed448": changed({"alg": "Ed448"}),
    # 4: the key
    "no jwk": changed({"jwk": ABSENT}),
    "jwk null": changed({"jwk": None}),
    "jwk a text": changed({"jwk": "key"}),
    "jwk a list": changed({"jwk": []}),
    "jwk empty": changed({"jwk": {}}),
    "a private d": jwk(d="AAAA"),
    "a private k": jwk(k="AAAA"),
    "a private p": jwk(p="AAAA"),
    "a private priv": jwk(priv="AAAA"),
    "a private oth": jwk(oth=[]),
    "a private d that is null": jwk(d=None),
    "too many members": jwk(**{f"m{number}": number for number in range(9)}),
    "crv P-384": jwk(crv="P-384"),
    "crv secp256k1": jwk(crv="secp256k1"),
    "crv missing": jwk(crv=ABSENT),
    "kty in lower case": jwk(kty="ec"),
    "y missing": jwk(y=ABSENT),
    "x a number": jwk(x=1),
    "x short": jwk(x=segment(bytes(31))),
    "x long": jwk(x=segment(bytes(33))),
    "x padded": jwk(x=segment(bytes(32)) + "="),
    "x of zero": jwk(x=segment(bytes(32))),
    "a point that is on no curve": jwk(x=segment(b"\1" * 32)),
    "a coordinate beyond the field": jwk(x=segment(b"\xff" * 32)),
    # 6: the signature, of this very key
    "another text's signature": spelt(swapped_signature),
    "a signature of zeros": spelt(lambda text: f"{text.rpartition('.')[0]}.{segment(bytes(64))}"),
    "a signature cut short": spelt(lambda text: f"{text.rpartition('.')[0]}.{segment(bytes(63))}"),
    "a signature in DER": spelt(in_der),
    # 7: htm
    "htm of another method": changed(htm="PUT"),
    "htm in lower case": lambda client, method, url, token, more: client.proof(
        method.lower(), url, token=token, **more
    ),
    "no htm": changed(htm=ABSENT),
    "htm a list": changed(htm=["GET", "POST"]),
    # 8: htu
    "no htu": changed(htu=ABSENT),
    "htu a list": changed(htu=["https://tokens.test"]),
    "htu of another host": located(lambda url: url.replace("://", "://x", 1)),
    "htu of another scheme": located(lambda url: f"http://{url.partition('://')[2]}"),
    "htu of another port": located(lambda url: "/".join([*url.split("/")[:2], url.split("/")[2] + ":8443"])),
    "htu of another path": located(lambda url: url + "x"),
    "htu with a slash more": located(lambda url: url + "/"),
    "htu in other letters": located(lambda url: url[:-1] + upper(url[-1])),
    "htu encoded twice": located(lambda url: f"{url[:-1]}%25{ord(url[-1]):02x}"),
    "htu with half an escape": located(lambda url: url + "%"),
    "htu with a user": located(lambda url: url.replace("://", "://user@", 1)),
    "htu with dot segments": located(
        lambda url: url.replace(url.rpartition("/")[2], "./" + url.rpartition("/")[2])
    ),
    "htu without host": located(lambda url: "/" + "/".join(url.split("/")[3:])),
    "htu too long": located(lambda url: f"{url}?{'a' * (2048 - len(url))}"),
    "htu beyond ASCII": located(lambda url: url + "ä"),
    # 9: iat
    "iat too old": changed(iat=START - 61),
    "iat too new": changed(iat=START + 61),
    "iat days ahead": changed(iat=START + 86_400),
    "no iat": changed(iat=ABSENT),
    "iat a text": changed(iat=str(START)),
    "iat with a fraction": changed(iat=START + 0.5),
    "iat true": changed(iat=True),
    "iat null": changed(iat=None),
    "iat without end": raw(
        lambda header, claims: (
            json.dumps(header).encode(),
            json.dumps(claims).replace(str(START), "1" * 5000, 1).encode(),
        )
    ),
    "iat NaN": changed(iat=float("nan")),
    # 12: jti
    "no jti": changed(jti=ABSENT),
    "jti empty": changed(jti=""),
    "jti a number": changed(jti=1),
    "jti too long": changed(jti="a" * 257),
    "jti a lone surrogate": changed(jti="\ud800"),
    # the payload
    "claims that are a list": raw(lambda header, claims: (json.dumps(header).encode(), b"[]")),
    "claims with a member twice": raw(
        lambda header, claims: (json.dumps(header).encode(), with_member(claims, '"htm": "GET"'))
    ),
    "claims that nest without end": raw(
        lambda header, claims: (
            json.dumps(header).encode(),
            with_member(claims, f'"a": {"[" * 500}{"]" * 500}'),
        )
    ),
}
# Refused where an access token comes with the proof, and ignored elsewhere (10).
BAD_WITH_TOKEN: dict[str, MakesProof] = {
    "no ath": changed(ath=ABSENT),
    "ath of another token": changed(ath=segment(bytes(32))),
    "ath null": changed(ath=None),
    "ath a list": changed(ath=[]),
    "ath padded": lambda client, method, url, token, more: client.proof(
        method, url, token=token, **more, ath=client.claims(method, url, token=token)["ath"] + "="
    ),
}
GOOD: dict[str, MakesProof] = {
    "as it should be": changed(),
    "iat as old as may be": changed(iat=START - 60),
    "iat as new as may be": changed(iat=START + 60),
    "typ in capitals": changed({"typ": "DPoP+JWT"}),
    "a header with members of no meaning": changed({"kid": "k", "cty": "x", "nonce": "n"}),
    "a key as WebCrypto exports it": jwk(ext=True, key_ops=["verify"]),
    "a key with use, kid and alg": jwk(use="sig", kid="k", alg="whatever"),
    "a key of twelve members": jwk(**{f"m{number}": number for number in range(8)}),
    "claims of no meaning": changed(exp=START - 1000, nbf=START + 1000, iss="x", sub="y"),
    "jti of one character": changed(jti="a"),
    "jti of 256 characters": changed(jti="ä" * 256),
    "htu with a query and a fragment": located(lambda url: url + "?a=1&b=%zz#c"),
    "htu as long as may be": located(lambda url: f"{url}?{'a' * (2047 - len(url))}"),
    "htu with the default port": located(
        lambda url: "/".join([*url.split("/")[:2], url.split("/")[2] + ":443", *url.split("/")[3:]])
    ),
    "htu with a host in capitals": located(
        lambda url: "/".join([*url.split("/")[:2], url.split("/")[2].upper(), *url.split("/")[3:]])
    ),
    "htu with an escape that is needless": located(lambda url: f"{url[:-1]}%{ord(url[-1]):02x}"),
    "just below the limit of length": changed(padding="a" * 2000),
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, describe, test } from "node:test";
import { withToken } from "auth-user-tokens-verify/fetch";
import { keyIn } from "../../../clients/javascript-verify/proof-keys.js";
import { Replays } from "../../../clients/javascript-verify/replays.js";
import { claimsAt, ISSUER, Service, START_S } from "./service.mjs";

const JWKS = "/.well-known/jwks.json";
const FEED = "/auth/revocations";
const SESSION = "/auth/session";
const { sid, jti } = claimsAt(0);
const SID_S = Math.floor(0x019000000000 / 1000);

let service;
let verifier;
let token;

beforeEach(() => {
  service = new Service();
  verifier = service.verifier();
  token = service.token({ exp: START_S + 3000 });
});

const ask = (requirements, text = token) => verifier.check({ authorization: `Bearer ${text}` }, requirements);
const status = async (requirements, text) => {
  const verdict = await ask(requirements, text);
  return verdict.ok ? 200 : verdict.status;
};
const at = (seconds) => (service.nowS = START_S + seconds);
const away = () => {
  throw new TypeError("fetch failed");
};
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("answers", () => {
  test("a good token: its claims", async () => {
    const { ok, claims } = await ask({ scope: "jobs:read", acr: ["other", "urn:acr"], maxAgeS: 0 });
    assert.equal(ok, true);
    assert.deepEqual([claims.sub, claims.sid, claims.scope], [claimsAt(0).sub, sid, "jobs:read jobs:write"]);
  });

  test("no credential: a challenge without an error", async () => {
    for (const headers of [{}, { authorization: "" }, new Headers(), { cookie: "__Host-session=x" }]) {
      const { status, headers: answered, body } = await verifier.check(headers);
      assert.deepEqual([status, answered["WWW-Authenticate"], body], [401, 'Bearer realm="auth-user-tokens"', ""]);
    }
  });

  for (const [name, headers] of Object.entries({
    "another scheme": { authorization: "Basic YTpi" },
    "two fields": { authorization: ["Bearer a.b.c", "Bearer a.b.c"] },
    "two in one": { authorization: "Bearer a.b.c, Bearer a.b.c" },
    "no token": { authorization: "Bearer" },
  })) {
    test(`${name}: 401 invalid_token, and nothing is asked for`, async () => {
      const { status, body } = await verifier.check(headers);
      assert.deepEqual([status, JSON.parse(body).error, service.asked.length], [401, "invalid_token", 0]);
    });
  }

  for (const cnf of [{ jkt: "x" }, {}, null, "x", { jkt: "A".repeat(43), kid: "x" }, { jkt: "A".repeat(42) + "B" }]) {
    test(`a token bound by ${JSON.stringify(cnf)}: 401 invalid_token`, async () => {
      const { status, detail } = await ask({}, service.token({ cnf }));
      assert.deepEqual([status, detail], [401, "cnf"]);
    });
  }

  test("too little scope: 403 with the scope that is needed", async () => {
    const { status, headers } = await ask({ scope: ["jobs:read", "jobs:admin"] });
    const challenge = 'Bearer realm="auth-user-tokens", error="insufficient_scope", scope="jobs:read jobs:admin"';
    assert.deepEqual([status, headers["WWW-Authenticate"]], [403, challenge]);
  });

  test("too weak or too old an authentication: 401 that says what is asked", async () => {
    at(11);
    for (const requirements of [{ acr: "gold", maxAgeS: 60 }, { acr: "urn:acr", maxAgeS: 10 }]) {
      const { status, headers } = await ask(requirements);
      assert.equal(status, 401);
      assert.match(headers["WWW-Authenticate"], /error="insufficient_user_authentication", acr_values=".+", max_age="\d+"/);
    }
    assert.equal(await status({ maxAgeS: 11 }), 200);
  });

  test("a revoked token with too little scope is revoked first", async () => {
    service.revoked = [sid];
    assert.equal(await status({ scope: "x" }), 401);
  });
});

describe("revocations", () => {
  test("no read yet and the service away: 503 with Retry-After", async () => {
    service.answers[FEED] = away;
    const { status, headers } = await ask();
    assert.deepEqual([status, headers["Retry-After"]], [503, "1"]);
  });

  test("a read younger than 2 s is used as it is, one from 3 s on renewed before the answer", async () => {
    assert.equal(await status(), 200);
    service.revoked = [sid];
    at(1);
    assert.deepEqual([await status(), service.count(FEED)], [200, 1]);
    at(3);
    assert.deepEqual([await status(), service.count(FEED)], [401, 2]);
  });

  test("between 2 and 3 s it is renewed beside the request", async () => {
    assert.equal(await status(), 200);
    service.revoked = [jti];
    at(2);
    assert.equal(await status(), 200);
    await settled();
    assert.deepEqual([await status(), service.count(FEED)], [401, 2]);
  });

  test("a hundred requests wait for one read", async () => {
    const seen = await Promise.all(Array.from({ length: 100 }, () => status()));
    assert.deepEqual([new Set(seen), service.count(FEED), service.count(JWKS)], [new Set([200]), 1, 1]);
  });

  test("the service away: what is known serves for 60 s, then 503, never 401", async () => {
    assert.equal(await status(), 200);
    service.answers[FEED] = away;
    for (const second of [5, 30, 59]) {
      at(second);
      assert.equal(await status(), 200, `at ${second} s`);
    }
    at(60);
    assert.equal(await status(), 503);
    delete service.answers[FEED];
    at(62);
    assert.equal(await status(), 200);
  });

  test("while the service is away it is asked once a second", async () => {
    service.answers[FEED] = away;
    for (let count = 0; count < 10; count += 1) await status();
    assert.equal(service.count(FEED), 1);
  });

  test("an id is remembered for memory_s after it was last told, and no longer", async () => {
    service.stated = { memory_s: 100 };
    service.revoked = [sid];
    token = service.token({ exp: START_S + 3000 });
    assert.equal(await status(), 401);
    service.revoked = [];
    at(99);
    assert.equal(await status(), 401);
    at(103);
    assert.equal(await status(), 200);
  });

  const cutoff = { client_id: "portal-web", before: START_S, decided_at: START_S - 5 };
  for (const [name, stated, expected] of [
    ["of the client, decided 5 s before the token", cutoff, 401],
    ["decided 6 s before the token", { ...cutoff, decided_at: START_S - 6 }, 200],
    ["of what began before the session", { ...cutoff, before: SID_S - 1 }, 200],
    ["of what began with the session", { ...cutoff, before: SID_S }, 401],
    ["of another client", { ...cutoff, client_id: "other" }, 200],
    ["of all clients", { ...cutoff, client_id: "" }, 401],
  ]) {
    test(`a cut-off ${name}: ${expected}`, async () => {
      service.stated = { cutoffs: [stated] };
      assert.equal(await status(), expected);
    });
  }

  test("a session that a device opened began with the device", async () => {
    service.stated = { cutoffs: [{ ...cutoff, before: SID_S }] };
    const acr = "urn:auth-user-tokens:acr:device";
    assert.equal(await status({}, service.token({ acr, auth_time: SID_S + 1 })), 200);
    assert.equal(await status({}, service.token({ acr, auth_time: SID_S })), 401);
  });

  test("by IAM it asks at the route for that, by the fetch that signs", async () => {
    service["/admin/revocations"] = service[FEED];
    verifier = service.verifier({ revocations: "iam" });
    assert.deepEqual([await status(), service.asked], [200, [JWKS, "/admin/revocations"]]);
  });

  test("a document in parts is read to its end", async () => {
    service.answers[FEED] = (_headers, url) => {
      const after = url.searchParams.get("after") ?? "";
      service.revoked = after === "1" ? [sid] : [];
      return Response.json(service.document(after, after === "" ? { next: "1", complete: false } : { next: "2" }));
    };
    assert.deepEqual([await status(), service.count(FEED)], [401, 2]);
  });

  test("another history: what is known is kept, and all is read again", async () => {
    service.revoked = [sid];
    assert.equal(await status(), 401);
    service.revoked = [];
    service.answers[FEED] = (_headers, url) =>
      url.searchParams.has("after") ? new Response(null, { status: 410 }) : Response.json(service.document(""));
    at(10);
    assert.deepEqual([await status(), service.count(FEED)], [401, 3]);
  });

  test("more revocations than fit: the service is asked about each token", async () => {
    service.stated = { overflow: true };
    assert.deepEqual([await status(), service.count(SESSION)], [200, 1]);
  });

  test("without the feed only the signature and the claims count", async () => {
    verifier = service.verifier({ revocations: "none" });
    service.revoked = [sid];
    assert.deepEqual([await status(), service.count(FEED)], [200, 0]);
  });

  test("what a cache says of a document's age counts", async () => {
    service.answers[FEED] = (_headers, url) =>
      Response.json(service.document(url.searchParams.get("after") ?? ""), { headers: { Age: "59" } });
    assert.equal(await status(), 200);
    service.answers[FEED] = away;
    at(1);
    assert.equal(await status(), 503);
  });

  test("a document that a cache withholds grows old by its own time", async () => {
    const old = service.document("");
    service.answers[FEED] = () => Response.json(old);
    assert.equal(await status(), 200);
    service.answers[FEED] = (_headers, url) =>
      Response.json(service.document(url.searchParams.get("after") ?? "", { as_of: START_S }));
    at(119);
    assert.equal(await status(), 200);
    at(123);
    assert.equal(await status(), 503);
  });
});

const NO_ANSWERS = {
  "HTML of a proxy": () => new Response("<html>", { headers: { "Content-Type": "text/html" } }),
  "HTML that says it is JSON": () => new Response("<html>", { headers: { "Content-Type": "application/json" } }),
  "half an answer": () => new Response('{"keys": [{"kty"', { headers: { "Content-Type": "application/json" } }),
  "a body that breaks off": () =>
    new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) }), { headers: { "Content-Type": "application/json" } }),
  "a redirect": () => new Response(null, { status: 302, headers: { Location: "https://elsewhere.test" } }),
  "another content type": () => new Response("{}", { headers: { "Content-Type": "text/plain" } }),
  "an empty object": () => Response.json({}),
  "a list": () => Response.json([]),
  "401": () => Response.json({ error: "invalid_token" }, { status: 401 }),
  "404": () => Response.json({ error: "not_found" }, { status: 404 }),
  "500": () => new Response("oops", { status: 500 }),
  "204": () => new Response(null, { status: 204 }),
  "no connection": away,
};

describe("something else answers in the service's place", () => {
  for (const [name, answer] of Object.entries(NO_ANSWERS)) {
    test(`${name} for the keys: 503, and good until max-age where there were keys`, async () => {
      service.answers[JWKS] = answer;
      assert.equal(await status(), 503);
      delete service.answers[JWKS];
      at(1);
      assert.equal(await status(), 200);
      service.answers[JWKS] = answer;
      at(300);
      assert.equal(await status(), 200);
      at(301);
      assert.equal(await status(), 503);
    });

    test(`${name} for the revocations: 503, and good for 60 s where there was a read`, async () => {
      service.answers[FEED] = answer;
      assert.equal(await status(), 503);
      delete service.answers[FEED];
      at(1);
      assert.equal(await status(), 200);
      service.answers[FEED] = answer;
      at(60);
      assert.equal(await status(), 200);
      at(61);
      assert.equal(await status(), 503);
    });

    test(`${name} for a token's own session: 503`, async () => {
      service.answers[SESSION] = answer;
      assert.equal(await status({ strict: true }), 503);
    });
  }
});

describe("a document that is not the one asked for is no answer", () => {
  const changed = (stated, spoil = (document) => document) => (_headers, url) =>
    Response.json(spoil(service.document(url.searchParams.get("after") ?? "", stated)));
  const spoilt = {
    "for another cursor": changed({ after: "7" }),
    "of another service": changed({ iss: "https://other.test" }),
    "with ids left out": changed({}, (document) => ({ ...document, ids: "" })),
    "with an access token for its statement": changed({}, (document) => ({ ...document, statement: token })),
    "with a statement of another type": (_headers, url) => {
      const { signed } = service;
      service.signed = (header, claims) => signed.call(service, { ...header, typ: "at+jwt" }, claims);
      return Response.json(service.document(url.searchParams.get("after") ?? ""));
    },
    "of another content type": (_headers, url) =>
      new Response(JSON.stringify(service.document(url.searchParams.get("after") ?? "")), { headers: { "Content-Type": "text/html" } }),
    "under another key": (_headers, url) => {
      const other = new Service();
      return Response.json(other.document(url.searchParams.get("after") ?? ""));
    },
    "with a statement without ids' hash": changed({ ids_sha256: undefined }),
  };
  for (const [name, answer] of Object.entries(spoilt)) {
    test(name, async () => {
      service.revoked = [jti.replace("ff", "fe")];
      service.answers[FEED] = answer;
      assert.equal(await status(), 503);
    });
  }
});

describe("keys", () => {
  test("are kept for max-age, renewed beside the requests from three quarters of it on", async () => {
    assert.equal(await status(), 200);
    at(224);
    await status();
    assert.equal(service.count(JWKS), 1);
    at(225);
    await status();
    await settled();
    assert.equal(service.count(JWKS), 2);
  });

  test("a withdrawn key verifies nothing after max-age", async () => {
    service.rotate();
    assert.equal(await status(), 200);
    service.keys.shift();
    at(224);
    assert.equal(await status(), 200);
    at(300);
    assert.equal(await status(), 401);
  });

  test("an unknown kid earns one look in 30 s", async () => {
    await status();
    at(29);
    for (let count = 0; count < 100; count += 1) assert.equal(await status({}, service.token({}, { kid: `${count}` })), 401);
    assert.equal(service.count(JWKS), 1);
    at(30);
    for (let count = 0; count < 100; count += 1) assert.equal(await status({}, service.token({}, { kid: `${count}` })), 401);
    assert.equal(service.count(JWKS), 2);
  });

  test("a new key is found; one that cannot be looked for is a 503, not a forgery", async () => {
    await status();
    service.rotate();
    service.answers[JWKS] = away;
    at(40);
    assert.equal(await status({}, service.token()), 503);
    delete service.answers[JWKS];
    at(42);
    assert.equal(await status({}, service.token()), 200);
  });

  test("one that cannot be read takes no other with it", async () => {
    service.keys.unshift(null, { kid: "x" }, { kid: "y", alg: "ES256", kty: "EC", crv: "P-256", x: "A", y: "A" });
    assert.equal(await status(), 200);
  });

  test("a cache's age shortens their life", async () => {
    service.answers[JWKS] = () => Response.json({ keys: service.keys }, { headers: { "Cache-Control": "max-age=300", Age: "290" } });
    assert.equal(await status(), 200);
    at(10);
    service.answers[JWKS] = away;
    assert.equal(await status(), 503);
  });
});

describe("strict", () => {
  test("the service's own word, with the caller's token", async () => {
    let shown;
    service.answers[SESSION] = (headers) => {
      shown = headers.Authorization;
      return Response.json({ session_id: sid });
    };
    assert.deepEqual([await status({ strict: true }), shown], [200, `Bearer ${token}`]);
  });

  test("its refusal is a 401, somebody else's is not", async () => {
    const refusal = { "WWW-Authenticate": 'Bearer realm="x", error="invalid_token"' };
    service.answers[SESSION] = () => Response.json({}, { status: 401, headers: refusal });
    assert.equal(await status({ strict: true }), 401);
    service.answers[SESSION] = () => Response.json({ session_id: jti });
    assert.equal(await status({ strict: true }), 503);
  });
});

describe("proofs of key-bound tokens", () => {
  const API = "https://api.test";
  const LINE = { method: "GET", target: "/jobs?of=me" };

  beforeEach(() => (verifier = service.verifier({ publicUrls: [API] })));

  const byProof = (fields, line = LINE, requirements = {}) => verifier.check(fields, requirements, line);

  test("a good one: the claims with the key and the proof's id", async () => {
    const [first, second] = [await byProof(service.bound(`${API}/jobs`)), await byProof(service.bound(`${API}/jobs`))];
    assert.equal(first.claims.jkt, service.jkt);
    assert.match(first.claims.proof_id, /^[\w-]{22}$/);
    assert.notEqual(first.claims.proof_id, second.claims.proof_id);
    const { claims } = await ask();
    assert.deepEqual([claims.jkt, claims.proof_id, Object.isFrozen(claims)], [null, null, true]);
  });

  test("without public URLs none is taken, whatever Host says", async () => {
    verifier = service.verifier();
    const fields = { ...service.bound(`${API}/jobs`), host: "api.test", "x-forwarded-host": "api.test", "x-forwarded-proto": "https" };
    const { status, detail } = await byProof(fields);
    assert.deepEqual([status, detail], [401, `htu: ${API}, not known here`]);
  });

  for (const [publicUrls, named, target, expected] of [
    [["https://a.test/v1/", API], `${API}/jobs`, "/jobs", 200],
    [["https://a.test/v1/", API], "https://a.test/v1/jobs", "/jobs", 200],
    [["https://a.test/v1"], "https://a.test/jobs", "/jobs", 401],
    [[API], `${API}/j%6Fbs`, "/jobs", 200],
    [[API], `${API}/jobs`, "/j%6fbs", 200],
    [[API], `${API}/a%2Fb`, "/a/b", 200],
    [[API], `${API}/jobs`, "/jobs/", 401],
    [[API], `${API}/jobs`, "/a/../jobs", 401],
    [[API], `${API}/jobs`, "/jobs%", 401],
    [[API], `${API}/jobs`, "jobs", 401],
    [[API], `${API}/jobs`, "*", 401],
    [["https://a.test/v1"], "https://a.test/v1jobs", "jobs", 401],
    [[API], `${API}/jobs`, undefined, 401],
    [[API], `${API}/%C3%BC`, "/ü", 200],
    [[API], `${API}/%25`, "/%2525", 401],
    [[API], `${API}.evil.test/jobs`, ".evil.test/jobs", 401],
    [[API], "wss://api.test/jobs", "/jobs", 200],
  ]) {
    test(`at ${publicUrls}, for ${named}, asked for ${target}: ${expected}`, async () => {
      verifier = service.verifier({ publicUrls });
      const verdict = await byProof(service.bound(named), { method: "GET", target });
      assert.equal(verdict.ok ? 200 : verdict.status, expected);
    });
  }

  for (const url of ["api.test", "/jobs", "https://api.test?a", "https://api.test#a", "ftp://api.test", "https://u@api.test"]) {
    test(`${url} is no public URL`, () => assert.throws(() => service.verifier({ publicUrls: [url] }), TypeError));
  }

  test("two fields, or none: 401 invalid_dpop_proof", async () => {
    const { authorization, dpop } = service.bound(`${API}/jobs`);
    for (const fields of [{ authorization }, { authorization, dpop: [dpop, dpop] }, new Headers([["authorization", authorization], ["dpop", dpop], ["dpop", dpop]])]) {
      const { status, body } = await byProof(fields);
      assert.deepEqual([status, JSON.parse(body).error], [401, "invalid_dpop_proof"]);
    }
    assert.equal((await byProof({ authorization, dpop: [dpop] })).ok, true);
  });

  test("of a hundred at the same time one passes", async () => {
    const counts = [];
    verifier = service.verifier({ publicUrls: [API], count: (metric) => counts.push(metric) });
    const fields = service.bound(`${API}/jobs`);
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => byProof(fields)));
    assert.equal(verdicts.filter(({ ok }) => ok).length, 1);
    assert.deepEqual([counts.length, new Set(counts)], [99, new Set(["DpopReplay"])]);
  });

  test("no credential: both schemes; a scope that lacks: the token's own", async () => {
    const { headers } = await byProof({});
    assert.equal(headers["WWW-Authenticate"], 'Bearer realm="auth-user-tokens", DPoP realm="auth-user-tokens", algs="ES256 EdDSA Ed25519"');
    const narrow = await byProof(service.bound(`${API}/jobs`), LINE, { scope: "admin" });
    const challenge = 'DPoP realm="auth-user-tokens", error="insufficient_scope", scope="admin", algs="ES256 EdDSA Ed25519"';
    assert.equal(narrow.headers["WWW-Authenticate"], challenge);
  });

  test("verify takes no key-bound token", async () => {
    const bound = service.token({ cnf: { jkt: service.jkt } });
    await assert.rejects(verifier.verify(bound), { code: "invalid_token", detail: "bound to a key" });
  });

  for (const [name, introspect, expected] of [
    ["nothing to ask by", undefined, 503],
    ["active", async () => ({ active: true }), 200],
    ["inactive", () => ({ active: false }), 401],
    ["no answer", async () => ({}), 503],
    ["a fault", () => assert.fail("a fault"), 503],
  ]) {
    for (const overflow of [false, true]) {
      test(`strict asks by introspection, ${name}, overflow ${overflow}: ${expected}`, async () => {
        service.stated = { overflow };
        verifier = service.verifier({ publicUrls: [API], introspect });
        const verdict = await byProof(service.bound(`${API}/jobs`), LINE, { strict: !overflow });
        assert.deepEqual([verdict.ok ? 200 : verdict.status, service.count(SESSION)], [expected, 0]);
      });
    }
  }

  test("the fetch-style wrapper says where the request went", async () => {
    const handler = withToken(verifier, {}, (_request, claims) => Response.json(claims.jkt));
    const ask = async (method) => (await handler(new Request("http://127.0.0.1:8080/jobs?a=1", { method, headers: service.bound(`${API}/jobs`) }))).status;
    assert.deepEqual([await ask("GET"), await ask("POST")], [200, 401]);
  });
});

test("keys of small order are refused by the service's own list, as not every runtime refuses them", async () => {
  const source = readFileSync(new URL("../../../layers/shared/auth_tokens/domain/dpop/public_keys.py", import.meta.url), "utf8");
  const points = [...source.matchAll(/"([0-9a-f]{64})"/g)].map(([, hex]) => Buffer.from(hex, "hex"));
  assert.equal(points.length, 7);
  for (const point of points) {
    for (const sign of [0, 0x80]) {
      const x = Buffer.from([...point.subarray(0, 31), point[31] | sign]).toString("base64url");
      const header = { typ: "dpop+jwt", alg: "EdDSA", jwk: Object.assign(Object.create(null), { kty: "OKP", crv: "Ed25519", x }) };
      await assert.rejects(keyIn(header), { detail: "jwk: a point of small order" });
    }
  }
});

describe("the memory of proofs", () => {
  test("forgets a proof when it cannot be good any more", () => {
    const replays = new Replays(() => assert.fail("not full"));
    assert.equal(replays.isFirst("a", START_S), true);
    assert.equal(replays.isFirst("a", START_S + 120), false);
    assert.equal(replays.isFirst("b", START_S + 121), true);
    assert.equal(replays.isFirst("a", START_S + 241), false);
    assert.equal(replays.isFirst("a", START_S + 242), true);
  });

  test("drops the oldest where there are too many, and says so", () => {
    let full = 0;
    const replays = new Replays(() => (full += 1), 4);
    const seen = ["a", "b", "c", "d", "e", "a", "c"].map((id) => replays.isFirst(id, START_S));
    assert.deepEqual([seen, full], [[true, true, true, true, true, true, false], 2]);
  });
});

test("verify rejects with an error that has the code", async () => {
  await assert.rejects(verifier.verify("x"), { name: "VerifyError", status: 401, code: "invalid_token", detail: "form" });
});

test("a fault of its own is no verdict", async () => {
  service.clock.nowMs = () => assert.fail("a fault");
  await assert.rejects(ask(), /a fault/);
});

test("an issuer with a slash at its end is refused when the verifier is made", () => {
  assert.throws(() => service.verifier({ issuer: `${ISSUER}/` }), TypeError);
});

test("the fetch-style wrapper answers or hands on", async () => {
  const handler = withToken(verifier, { scope: "jobs:read" }, (_request, claims, extra) => Response.json([claims.sub, extra]));
  const request = (headers) => new Request("https://api.test/jobs", { headers });
  const good = await handler(request({ Authorization: `Bearer ${token}` }), 7);
  assert.deepEqual(await good.json(), [claimsAt(0).sub, 7]);
  const bad = await handler(request({}));
  assert.deepEqual([bad.status, bad.headers.get("www-authenticate")], [401, 'Bearer realm="auth-user-tokens"']);
});

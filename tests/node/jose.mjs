// Verifies access tokens by jose against the published keys. Prints an array: claims, or an error's code.
import { readFileSync } from "node:fs";
import { createRemoteJWKSet, jwtVerify } from "jose";

const given = JSON.parse(readFileSync(0, "utf8"));
const keys = createRemoteJWKSet(new URL(given.jwks_uri));
const expected = { issuer: given.issuer, audience: given.audience, typ: "at+jwt", algorithms: ["ES256"] };

async function outcome(token) {
  try {
    return (await jwtVerify(token, keys, expected)).payload;
  } catch (error) {
    return { refused: error.code };
  }
}

console.log(JSON.stringify(await Promise.all(given.tokens.map(outcome))));

// Verifies access tokens by aws-jwt-verify. Prints an array: claims, or an error's name.
// It fetches keys over HTTPS only, so that they are handed to it here as they are published.
import { readFileSync } from "node:fs";
import { JwtVerifier } from "aws-jwt-verify";

const given = JSON.parse(readFileSync(0, "utf8"));
const verifier = JwtVerifier.create({
  issuer: given.issuer,
  audience: given.audience,
  jwksUri: given.jwks_uri,
});
verifier.cacheJwks(await (await fetch(given.jwks_uri)).json());

async function outcome(token) {
  try {
    return await verifier.verify(token);
  } catch (error) {
    return { refused: error.name };
  }
}

console.log(JSON.stringify(await Promise.all(given.tokens.map(outcome))));

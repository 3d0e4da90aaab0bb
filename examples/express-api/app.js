// An API in Express that takes the token service's access tokens. ISSUER, AUDIENCE and PORT say where; PUBLIC_URL: by which
// clients know it, without which it takes no key-bound token.

import express from "express";
import { createVerifier } from "auth-user-tokens-verify";
import { requireToken } from "auth-user-tokens-verify/express";

const { ISSUER, AUDIENCE = "portal", PORT = "8080", PUBLIC_URL } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, publicUrls: PUBLIC_URL ? [PUBLIC_URL] : [] });
const jobs = [{ id: 1, name: "night tram" }];

const app = express();
app.use(express.json());

app.get("/jobs", requireToken(verifier, { scope: "portal:read" }), (request, response) => {
  response.json({ jobs, of: request.auth.sub });
});

// What must not happen in the seconds after a sign-out asks the service itself.
app.post("/jobs", requireToken(verifier, { scope: "portal:read", maxAgeS: 3600, strict: true }), (request, response) => {
  jobs.push({ id: jobs.length + 1, name: String(request.body?.name) });
  response.status(201).json(jobs.at(-1));
});

const server = app.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));

// What both lives by oauth4webapi begin with: what they are given (on standard input), the client, the local IAM key
// and the server as discovered.
import { readFileSync } from "node:fs";
import { AwsClient } from "aws4fetch";
import * as oauth from "oauth4webapi";

export const given = JSON.parse(readFileSync(0, "utf8"));
export const client = { client_id: given.client_id };
export const insecure = { [oauth.allowInsecureRequests]: true };
export const iam = new AwsClient({
  accessKeyId: "local",
  secretAccessKey: "local-secret",
  region: "eu-west-1",
  service: "execute-api",
});

const issuer = new URL(given.issuer);
const discovered = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
export const server = await oauth.processDiscoveryResponse(issuer, discovered);

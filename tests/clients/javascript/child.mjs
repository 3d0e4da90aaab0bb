// A program that is killed at a named point of a refresh: child.mjs ISSUER FILE [POINT]. Prints whether it has a token.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createClient } from "../../../clients/javascript/client.js";

const [issuer, file, point] = process.argv.slice(2);
const at = (here) => here === point && process.kill(process.pid, "SIGKILL");
const text = () => readFileSync(file, "utf8");

const client = createClient({
  issuer,
  storage: {
    get() {
      at("before the token is read");
      return text();
    },
    swap(seen, next) {
      at("before the successor is saved");
      if (text() !== seen) return false;
      writeFileSync(`${file}.new`, next);
      at("while the successor is being saved");
      renameSync(`${file}.new`, file);
      at("after the successor is saved");
      return true;
    },
  },
  async fetch(url, init) {
    at("before the request is sent");
    const response = await fetch(url, init);
    at("before the answer is read");
    return response;
  },
});
let isOver = false;
client.addEventListener("signedout", () => (isOver = true));
const token = await client.accessToken().catch((error) => error.code);
console.log(JSON.stringify({ isOver, token: token.slice(0, 3) }));

// Lets this repository's packages and examples find what the tests lock (jose is in tests/node), as an installation would.
import { registerHooks } from "node:module";

const PACKAGE = new URL("../../../clients/javascript-verify/", import.meta.url);
const NODE = new URL("../../node/", import.meta.url).href;
const ENTRIES = { "": "verify.js", "/express": "express.js", "/fastify": "fastify.js", "/fetch": "fetch.js" };

registerHooks({
  resolve(name, context, next) {
    const [, own, path = ""] = /^(auth-user-tokens-verify)(\/.*)?$/.exec(name) ?? [];
    if (own) return next(new URL(ENTRIES[path], PACKAGE).href, context);
    const isBare = /^[a-z@]/.test(name) && !name.includes(":");
    const isAbroad = !context.parentURL?.includes("/node_modules/");
    return next(name, isBare && isAbroad ? { ...context, parentURL: name === "jose" ? NODE : import.meta.url } : context);
  },
});

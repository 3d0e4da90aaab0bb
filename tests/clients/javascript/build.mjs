// The sizes of the shipped file: as it is, and minified and compressed. Prints both as JSON.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";

const source = readFileSync(new URL("../../../clients/javascript/client.js", import.meta.url));
const { code } = await transform(source, { minify: true, format: "esm", target: "es2022" });
console.log(JSON.stringify({ source: source.length, compressed: gzipSync(code, { level: 9 }).length }));

// The sizes of the shipped files: as they are, and minified and compressed. Prints both of each as JSON.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";

const sizes = {};
for (const name of ["client", "dpop", "indexeddb", "step-up"]) {
  const source = readFileSync(new URL(`../../../clients/javascript/${name}.js`, import.meta.url));
  const { code } = await transform(source, { minify: true, format: "esm", target: "es2022" });
  sizes[name] = { source: source.length, compressed: gzipSync(code, { level: 9 }).length };
}
console.log(JSON.stringify(sizes));

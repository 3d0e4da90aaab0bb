// Terraform on standard input, as JSON on standard output: HashiCorp's own parser.
import { text } from "node:stream/consumers";
import { parse } from "@cdktf/hcl2json";

console.log(JSON.stringify(await parse("main.tf", await text(process.stdin))));

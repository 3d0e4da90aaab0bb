// A JSON list of statements on standard input; on standard output a list as long: the first error of each, or null.
import { readFileSync } from "node:fs";
import { MySQL } from "dt-sql-parser/dist/parser/mysql/index.js";

const statements = JSON.parse(readFileSync(0, "utf8"));
const parser = new MySQL();
const errors = statements.map((sql) => {
  const [first] = parser.validate(sql);
  return first ? `line ${first.startLine}: ${first.message}` : null;
});
process.stdout.write(JSON.stringify(errors));

// JSON as the service itself reads a token (RFC 8725 §3): no member twice, bounded depth, and whole numbers told from
// fractions. JSON.parse keeps the last of two members and makes 1.0 and 1 the same.

const MAX_NESTING = 16;
const MAX_DIGITS = 4300;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LITERALS = new Map([["true", true], ["false", false], ["null", null]]);

/** A number that was written with a fraction or an exponent: no instant is. */
class Fraction {
  constructor(value) {
    this.value = value;
  }
}

/** The object of a JSON text. Throws SyntaxError for anything else. Whole numbers are numbers, others are Fraction. */
export function strictObject(text) {
  const reader = { text, at: 0 };
  const value = valueOf(reader, 0);
  skip(reader);
  if (reader.at !== text.length || text[text.search(/[^ \t\n\r]/)] !== "{") throw new SyntaxError("no JSON object");
  return value;
}

/** Is this an object of a strict JSON text, and not a list, null or a number of its own? */
export function isObject(value) {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}

function valueOf(reader, depth) {
  skip(reader);
  const first = reader.text[reader.at];
  if (first === "{" || first === "[") {
    if (depth === MAX_NESTING) throw new SyntaxError("nests too deep");
    reader.at += 1;
    return first === "{" ? members(reader, depth + 1) : items(reader, depth + 1);
  }
  if (first === '"') return JSON.parse(matched(reader, STRING)[0]);
  for (const [name, value] of LITERALS) if (took(reader, name)) return value;
  return numberOf(reader);
}

function members(reader, depth) {
  const found = Object.create(null);
  if (!closes(reader, "}")) {
    do {
      skip(reader);
      const name = JSON.parse(matched(reader, STRING)[0]);
      skip(reader);
      if (name in found || !took(reader, ":")) throw new SyntaxError("a member twice, or none");
      found[name] = valueOf(reader, depth);
    } while (goesOn(reader, "}"));
  }
  return found;
}

function items(reader, depth) {
  const found = [];
  if (!closes(reader, "]")) do found.push(valueOf(reader, depth)); while (goesOn(reader, "]"));
  return found;
}

function numberOf(reader) {
  const [written, fraction, exponent] = matched(reader, NUMBER);
  if (fraction || exponent) return new Fraction(Number(written));
  if (written.length > MAX_DIGITS) throw new SyntaxError("too many digits");
  return Number(written) + 0; // not -0
}

function goesOn(reader, end) {
  skip(reader);
  if (took(reader, ",")) return true;
  if (took(reader, end)) return false;
  throw new SyntaxError("no end");
}

function closes(reader, end) {
  skip(reader);
  return took(reader, end);
}

function took(reader, literal) {
  const is = reader.text.startsWith(literal, reader.at);
  if (is) reader.at += literal.length;
  return is;
}

function skip(reader) {
  matched(reader, SPACE);
}

function matched(reader, pattern) {
  pattern.lastIndex = reader.at;
  const match = pattern.exec(reader.text);
  if (!match) throw new SyntaxError("no JSON");
  reader.at = pattern.lastIndex;
  return match;
}

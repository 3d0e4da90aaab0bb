// Where a request goes, as a proof's `htu` has to say it (RFC 9449 §4.3, check 9; RFC 3986 §6.2.2, §6.2.3).

const MAX_URL = 2048;
const URL_FORM = /^([A-Za-z]+):\/\/([^/?#]+)([^?#]*)(?:[?#][!-~]*)?$/;
const VISIBLE = /^[!-~]+$/;
const AUTHORITY = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/;
// A socket opens by a request of HTTP (RFC 6455 §3).
const SCHEMES = new Map([
  ["https", ["https", ":443"]],
  ["wss", ["https", ":443"]],
  ["http", ["http", ":80"]],
  ["ws", ["http", ":80"]],
]);

/**
 * {origin, path} of an absolute URL: query and fragment dropped, no user, the default port dropped, an empty path is `/`,
 * the path decoded once. No dot segment is removed, and a slash at the end counts. Undefined for anything else.
 */
export function placeOf(url) {
  const found = url.length <= MAX_URL && VISIBLE.test(url) ? URL_FORM.exec(url) : null;
  const [scheme, defaultPort] = SCHEMES.get(found?.[1].toLowerCase()) ?? [];
  const authority = scheme && AUTHORITY.exec(found[2].toLowerCase());
  const path = authority ? decodedPath(found[3]) : undefined;
  if (path === undefined) return undefined;
  const [, host, port = ""] = authority;
  return { origin: `${scheme}://${host}${port === defaultPort ? "" : port}`, path: path || "/" };
}

/** The places that a request may be meant for: below each public URL, never by a header. target: of the request line. */
export function placesOf(bases, target = "") {
  const path = decodedPath(target.split("?", 1)[0]);
  if (!path?.startsWith("/")) return [];
  return bases.map((base) => ({ origin: base.origin, path: base.path + path }));
}

/** A public URL that has been checked. Throws TypeError. */
export function baseOf(url) {
  const place = /[?#]/.test(url) ? undefined : placeOf(url);
  if (!place) throw new TypeError("publicUrls: absolute URLs without query and fragment");
  return { origin: place.origin, path: place.path.replace(/\/+$/, "") };
}

/** A path without its percent-encoding, which is taken off once; undefined where an escape is none or not UTF-8. */
function decodedPath(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

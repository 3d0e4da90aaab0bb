// What an API asks of the user's authentication (RFC 9470). client.js loads it where a request is refused for that.

/** What a challenge asks for. */
export function challenged(challenge, url) {
  const found = (pattern) => pattern.exec(challenge)?.[1];
  const maxAge = found(/max_age="?(\d+)/);
  return { url: url.href, acrValues: found(/acr_values="([^"]*)"/) ?? "", maxAgeS: maxAge ? Number(maxAge) : null };
}

/** What the session lacks of what the API is known to ask for, as its gateway cannot say so; null for nothing. */
export async function lacking({ acr = "", maxAgeS = null }, url, client, now) {
  const has = await client.request("GET", "/auth/session");
  const isMet = (!acr || acr.split(" ").includes(has.acr)) && (maxAgeS === null || now / 1000 - has.auth_time <= maxAgeS);
  return isMet ? null : { url: url.href, acrValues: acr, maxAgeS };
}

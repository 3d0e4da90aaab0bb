// The life of a session by openapi-fetch with the types that openapi-typescript made.
import createClient from 'openapi-fetch';
import type { paths } from 'generated/schema';

declare const given: { baseUrl: string; username: string; password: string }; // filled in by the test
const { baseUrl, username, password } = given;
const client = createClient<paths>({ baseUrl });
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

const signedIn = await client.POST('/auth/login', {
  body: { username, password, mode: 'bearer', device: { name: 'generated', remember: true } },
});
if (!signedIn.data || !('refresh_token' in signedIn.data)) throw new Error(signedIn.response.statusText);

const grant = { grant_type: 'refresh_token', refresh_token: signedIn.data.refresh_token } as const;
const refresh = async () => {
  const { data, error } = await client.POST('/auth/token', {
    body: grant,
    headers: form,
    params: { header: { 'Idempotency-Key': 'generated' } },
  });
  if (!data || !('refresh_token' in data)) throw new Error(JSON.stringify(error));
  return data;
};
const refreshed = await refresh();
const repeated = await refresh();

const headers = { Authorization: `Bearer ${refreshed.access_token}` };
const sessions = await client.GET('/auth/sessions', { headers });
const devices = await client.GET('/auth/devices', { headers });
const keys = await client.GET('/.well-known/jwks.json');
const signedOut = await client.POST('/auth/logout', { headers });
const revoked = await client.POST('/auth/revoke', { body: { token: refreshed.refresh_token }, headers: form });
const refused = await client.POST('/auth/token', { body: grant, headers: form });

console.log(JSON.stringify({
  same_successor: refreshed.refresh_token === repeated.refresh_token,
  current: sessions.data?.sessions.filter((session) => session.current).map((session) => session.device_name),
  remembered: devices.data?.devices.filter((device) => device.current && device.remembered).map((device) => device.name),
  keys: keys.data?.keys.map((key) => key.alg),
  signed_out: signedOut.response.status,
  revoked: revoked.response.status,
  refused: refused.error && 'error' in refused.error ? refused.error.error : undefined,
}));

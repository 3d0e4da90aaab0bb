// The life of a session by the client that @hey-api/openapi-ts made.
import { getKeys, listDevices, listSessions, logOut, login, requestToken, revokeToken } from 'generated/hey';
import { client } from 'generated/hey/client.gen';

declare const given: { baseUrl: string; username: string; password: string }; // filled in by the test
const { baseUrl, username, password } = given;
client.setConfig({ baseUrl });

const signedIn = await login({ body: { username, password, device: { name: 'generated', remember: true } } });
if (!signedIn.data || !('refresh_token' in signedIn.data)) throw new Error(JSON.stringify(signedIn.error));

const grant = { grant_type: 'refresh_token', refresh_token: signedIn.data.refresh_token } as const;
const refresh = async () => {
  const { data, error } = await requestToken({ body: grant, headers: { 'Idempotency-Key': 'generated' } });
  if (!data || !('refresh_token' in data)) throw new Error(JSON.stringify(error));
  return data;
};
const refreshed = await refresh();
const repeated = await refresh();

client.setConfig({ auth: (scheme) => (scheme.scheme === 'bearer' ? refreshed.access_token : undefined) });
const sessions = await listSessions();
const devices = await listDevices();
const keys = await getKeys();
const signedOut = await logOut();
const revoked = await revokeToken({ body: { token: refreshed.refresh_token } });
const refused = await requestToken({ body: grant });

console.log(JSON.stringify({
  same_successor: refreshed.refresh_token === repeated.refresh_token,
  current: sessions.data?.sessions.filter((session) => session.current).map((session) => session.device_name),
  remembered: devices.data?.devices.filter((device) => device.current && device.remembered).map((device) => device.name),
  keys: keys.data?.keys.map((key) => key.alg),
  signed_out: signedOut.response?.status,
  revoked: revoked.response?.status,
  refused: refused.error && 'error' in refused.error ? refused.error.error : undefined,
}));

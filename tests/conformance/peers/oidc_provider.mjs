// oidc-provider with its own defaults; a sign-in is granted without a page, or by the password grant without a hash.
// In memory by its own adapter, or on the database of the environment (starter.mjs) where it names one.
// Usage: node oidc_provider.mjs opaque|jwt PORT|lines

import { generateKeyPairSync } from 'node:crypto';
import inject from 'light-my-request';
import Provider from 'oidc-provider';
import { mysqlAdapter } from './oidc_adapter.mjs';
import { LINES, USER, answerLines, database } from './starter.mjs';

const [mode, where] = process.argv.slice(2);
const port = where === LINES ? 80 : Number(where);
const API = 'https://api.example';
const RESOURCE_SERVER = { scope: 'read', audience: API, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
const SCOPE = 'offline_access read';
const CLIENT = { client_id: 'conformance' };
const CODE = ['authorization_code', 'refresh_token'];

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: process.env.PEER_DB_HOST ? await mysqlAdapter(database()) : undefined,
  clients: [
    {
      ...CLIENT,
      token_endpoint_auth_method: 'none',
      application_type: 'web',
      grant_types: where === LINES ? [...CODE, 'password'] : CODE,
      response_types: ['code'],
      redirect_uris: ['https://client.example/callback'],
    },
  ],
  scopes: ['openid', 'offline_access', 'read'],
  jwks: { keys: [rsa, { ...ec, use: 'sig', alg: 'ES256' }] },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: mode === 'jwt',
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: () => RESOURCE_SERVER,
    },
  },
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ['conformance only, for one run on this machine'] },
});

provider.on('server_error', (_, error) => console.error(error));

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/sign-in/')) {
    await next();
    return;
  }
  ctx.respond = false;
  const { prompt, params } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === 'login') {
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: 'conformance' } });
  } else {
    const grant = new provider.Grant({ accountId: 'conformance', clientId: params.client_id });
    grant.addOIDCScope('openid offline_access');
    await provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: await grant.save() } });
  }
});

// A grant type of one's own, as the provider's documentation shows: what a sign-in stores, without pages and redirects.
async function passwordGrant(ctx) {
  const { client, params } = ctx.oidc;
  const accountId = params.username;
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(SCOPE);
  grant.addResourceScope(API, 'read');
  const common = { accountId, client, grantId: await grant.save(), gty: 'password', scope: SCOPE };
  const access = new provider.AccessToken(common);
  if (mode === 'jwt') {
    access.resourceServer = new provider.ResourceServer(API, RESOURCE_SERVER);
    access.scope = 'read';
  }
  const refresh = new provider.RefreshToken({ ...common, resource: mode === 'jwt' ? API : undefined });
  ctx.body = {
    access_token: await access.save(),
    expires_in: access.expiration,
    token_type: access.tokenType,
    refresh_token: await refresh.save(),
  };
}

const handle = provider.callback();

async function post(url, fields) {
  const response = await inject(handle, {
    method: 'POST',
    url,
    headers: { host: '127.0.0.1', 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ ...CLIENT, ...fields }).toString(),
  });
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.payload}`);
  return response.json();
}

const peer = {
  signIn: () => post('/token', { grant_type: 'password', ...USER }),
  refresh: ({ refresh_token: token }) => post('/token', { grant_type: 'refresh_token', refresh_token: token }),
  async validate({ access_token: token }) {
    const { active } = await post('/token/introspection', { token });
    if (!active) throw new Error('not active');
  },
};

if (where === LINES) {
  provider.registerGrantType('password', passwordGrant, ['username', 'password', 'scope']);
  await answerLines(peer, ['oidc-provider']);
} else {
  provider.listen(port, '127.0.0.1', 1024);
}

// oidc-provider with its own defaults and its in-memory adapter; a sign-in is granted without a page.
// Usage: node oidc_provider.mjs PORT

import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'conformance',
      token_endpoint_auth_method: 'none',
      application_type: 'web',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['https://client.example/callback'],
    },
  ],
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ['conformance only, for one run on this machine'] },
});

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

provider.listen(port, '127.0.0.1', 1024);

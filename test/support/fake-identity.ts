// An identity provider that really speaks OpenID Connect: discovery, authorize with PKCE, token, keys, an RS256 id_token.
// What it says of a person, and what it gets wrong, is the test's to choose.
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Persona {
  readonly sub: string;
  readonly email: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

export interface FakeIdentity {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who signs in at the provider's page. */
  persona: Persona;
  /** Claims of the next tokens that differ from what is right. */
  lies: Readonly<Record<string, unknown>>;
  /** Signs with a key that is not among the published ones. */
  forges: boolean;
  /** How often the token endpoint gave a token. */
  readonly given: () => number;
  stop(): Promise<void>;
}

interface Grant {
  readonly challenge: string;
  readonly nonce: string | null;
  readonly redirect: string;
}

export async function startFakeIdentity(): Promise<FakeIdentity> {
  const [ours, strange] = [pair(), pair()];
  const grants = new Map<string, Grant>();
  let given = 0;
  const server = createServer((req, res) => void answer(req, res).catch(() => res.writeHead(500).end()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const identity: FakeIdentity = {
    issuer,
    clientId: 'sallyport',
    clientSecret: 'a secret of the provider',
    persona: { sub: 'nobody', email: 'nobody@example.com' },
    lies: {},
    forges: false,
    given: () => given,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', issuer);
    if (url.pathname === '/.well-known/openid-configuration') return json(res, 200, discovery(issuer));
    if (url.pathname === '/jwks')
      return json(res, 200, { keys: [{ ...ours.jwk, kid: 'one', alg: 'RS256', use: 'sig' }] });
    if (url.pathname === '/authorize') return authorize(url.searchParams, res);
    if (url.pathname === '/token' && req.method === 'POST') return token(await formOf(req), req, res);
    json(res, 404, {});
  }

  function authorize(asked: URLSearchParams, res: ServerResponse): void {
    const redirect = asked.get('redirect_uri') ?? '';
    if (asked.get('client_id') !== identity.clientId || asked.get('code_challenge_method') !== 'S256') {
      json(res, 400, { error: 'invalid_request' });
      return;
    }
    const code = randomBytes(16).toString('hex');
    grants.set(code, { challenge: asked.get('code_challenge') ?? '', nonce: asked.get('nonce'), redirect });
    const back = new URL(redirect);
    back.searchParams.set('code', code);
    back.searchParams.set('state', asked.get('state') ?? '');
    res.writeHead(302, { location: back.href }).end();
  }

  function token(form: URLSearchParams, req: IncomingMessage, res: ServerResponse): void {
    const grant = grants.get(form.get('code') ?? '');
    grants.delete(form.get('code') ?? '');
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isGood = grant?.challenge === proof && grant.redirect === form.get('redirect_uri') && knows(req, form);
    if (!isGood) {
      json(res, 400, { error: 'invalid_grant' });
      return;
    }
    given += 1;
    const now = Math.floor(Date.now() / 1_000);
    const right = { iss: issuer, aud: identity.clientId, iat: now, exp: now + 60, nonce: grant.nonce };
    const claims = { ...right, email_verified: true, ...identity.persona, ...identity.lies };
    const idToken = signed(claims, identity.forges ? strange.privateKey : ours.privateKey);
    json(res, 200, { access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: idToken });
  }

  const knows = (req: IncomingMessage, form: URLSearchParams): boolean => {
    const [, basic = ''] = (req.headers.authorization ?? '').split(' ');
    const [id, secret] = Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
    const sent = secret?.replaceAll('+', ' ') ?? form.get('client_secret');
    return (id || form.get('client_id')) === identity.clientId && sent === identity.clientSecret;
  };
  return identity;
}

const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { privateKey, jwk: publicKey.export({ format: 'jwk' }) };
};

const discovery = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  code_challenge_methods_supported: ['S256'],
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(claims: object, key: ReturnType<typeof pair>['privateKey']): string {
  const text = `${part({ alg: 'RS256', kid: 'one', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key).toString('base64url')}`;
}

function json(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function formOf(req: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return new URLSearchParams(text);
}

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PLANS } from '../../src/auth/plans.js';
import { loadConfig, urlOfAddress, VARIABLES } from '../../src/config.js';
import { ConfigurationError } from '../../src/platform/errors.js';

const secret = randomBytes(32).toString('base64');
const example = readFileSync('.env.example', 'utf8');

function refusal(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

describe('the environment', () => {
  it('needs nothing: without variables the embedded database serves on 127.0.0.1:4000', () => {
    expect(loadConfig({})).toEqual({
      databaseUrl: null,
      databaseReplicaUrl: null,
      dataDir: resolve('.data'),
      redisUrl: null,
      host: '127.0.0.1',
      port: 4000,
      publicUrl: 'http://127.0.0.1:4000',
      allowedOrigins: [],
      secrets: { current: null, previous: null },
      keyBrand: 'sp',
      trustProxy: 0,
      smtp: { url: null, from: null },
      smsUrl: null,
      voiceUrl: null,
      model: { url: null, name: null, apiKey: null },
      oidc: null,
      auditCheckpoints: null,
      fastLane: 'on',
      hasSharedProviders: true,
      securityContact: null,
      introspection: 'public',
      plans: DEFAULT_PLANS,
      logLevel: 'info',
    });
  });

  it('treats an empty variable as one left out', () => {
    expect(loadConfig(Object.fromEntries(VARIABLES.map((name) => [name, ''])))).toEqual(loadConfig({}));
  });

  it('derives the public URL from host and port, and leaves it open when the port is not known yet', () => {
    expect(loadConfig({ HOST: '::1', PORT: '80' }).publicUrl).toBe('http://[::1]:80');
    expect(loadConfig({ HOST: '0.0.0.0', PORT: '81' }).publicUrl).toBe('http://localhost:81');
    expect(loadConfig({ PORT: '0' })).toMatchObject({ port: 0, publicUrl: null });
    expect(loadConfig({ PORT: '0', PUBLIC_URL: 'https://api.example.com/' }).publicUrl).toBe('https://api.example.com');
    expect(urlOfAddress('::', 5)).toBe('http://localhost:5');
  });

  it('reads lists, providers and a server database', () => {
    const config = loadConfig({
      DATABASE_URL: 'postgresql://u:p@db:5432/x?options=-c%20a=b',
      SALLYPORT_SECRET: secret,
      ALLOWED_ORIGINS: 'https://a.example.com, http://localhost:3000',
      SMTP_URL: 'smtp://127.0.0.1:2525',
      SMTP_FROM: 'Sallyport <hello@example.com>',
      MODEL_URL: 'http://127.0.0.1:9999/v1',
      SHARED_PROVIDERS: 'off',
      TRUST_PROXY: '2',
    });
    expect(config).toMatchObject({
      databaseUrl: 'postgresql://u:p@db:5432/x?options=-c%20a=b',
      secrets: { current: secret, previous: null },
      allowedOrigins: ['https://a.example.com', 'http://localhost:3000'],
      smtp: { url: 'smtp://127.0.0.1:2525', from: 'Sallyport <hello@example.com>' },
      model: { url: 'http://127.0.0.1:9999/v1', name: null },
      hasSharedProviders: false,
      trustProxy: 2,
    });
  });

  it.each([
    ['PORT', 'abc'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['HOST', 'http://localhost'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'localhost:5432'],
    ['REDIS_URL', 'localhost'],
    ['PUBLIC_URL', 'sallyport.test:4000'],
    ['PUBLIC_URL', 'https://api.example.com/path'],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'https://a.example.com,*'],
    ['ALLOWED_ORIGINS', 'https://a.example.com/'],
    ['ALLOWED_ORIGINS', 'https://*.example.com'],
    ['SALLYPORT_SECRET', randomBytes(31).toString('base64')],
    ['SALLYPORT_SECRET', 'this is not base64, however long it may be!'],
    ['SALLYPORT_SECRET_PREVIOUS', 'short'],
    ['KEY_BRAND', 'Sp'],
    ['KEY_BRAND', 'my_brand'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '99'],
    ['SMTP_URL', 'https://mail.example.com'],
    ['SMTP_FROM', 'nobody'],
    ['OIDC_ISSUER', 'http://id.example.com'],
    ['OIDC_TOKEN_URL', 'ftp://id.example.com'],
    ['MODEL_URL', 'model'],
    ['SHARED_PROVIDERS', 'no'],
    ['SECURITY_CONTACT', 'nobody'],
    ['SECURITY_CONTACT', 'http://example.com/security'],
    ['SECURITY_CONTACT', 'a@example.com\nContact: b@example.com'],
    ['INTROSPECTION', 'off'],
    ['FAST_LANE', 'yes'],
    ['AUDIT_CHECKPOINTS', 'ftp://witness.example.com/'],
    ['PLAN_LIMITS', 'free: 60'],
    ['PLAN_LIMITS', 'null'],
    ['PLAN_LIMITS', '{"gold":{"rpm":60}}'],
    ['PLAN_LIMITS', '{"free":{"rps":60}}'],
    ['PLAN_LIMITS', '{"free":{"rpm":0}}'],
    ['PLAN_LIMITS', '{"free":{"rpm":"60"}}'],
    ['PLAN_LIMITS', '{"free":{"rpd":1.5}}'],
    ['LOG_LEVEL', 'loud'],
  ])('refuses %s=%s in one line that names the variable and a remedy, and never the value', (name, value) => {
    const message = refusal({ [name]: value });
    expect(message).toMatch(new RegExp(`^${name} must .{8,}\\.$`));
    expect(message).not.toContain('\n');
    if (value.length > 8) expect(message).not.toContain(value);
  });

  it.each([
    ['security@example.com', 'mailto:security@example.com'],
    ['mailto:security@example.com', 'mailto:security@example.com'],
    ['https://example.com/security', 'https://example.com/security'],
    ['tel:+49-30-1234567', 'tel:+49-30-1234567'],
  ])('reads the contact %s as %s', (text, uri) => {
    expect(loadConfig({ SECURITY_CONTACT: text }).securityContact).toBe(uri);
  });

  it('changes of the plans what PLAN_LIMITS names, and leaves the rest', () => {
    const { plans } = loadConfig({ PLAN_LIMITS: '{"free":{"rpm":60},"scale":{"rpd":1,"costMax":7}}' });
    expect(plans).toEqual({
      free: { ...DEFAULT_PLANS.free, rpm: 60 },
      pro: DEFAULT_PLANS.pro,
      scale: { ...DEFAULT_PLANS.scale, rpd: 1, costMax: 7 },
    });
  });

  it('requires a secret beside a server database', () => {
    expect(refusal({ DATABASE_URL: 'postgres://u@db/x' })).toMatch(/^SALLYPORT_SECRET is required with DATABASE_URL/);
  });

  it('takes an identity provider whole or not at all', () => {
    const provider = { OIDC_ISSUER: 'https://id.example.com', OIDC_CLIENT_ID: 'us', OIDC_CLIENT_SECRET: 'secret' };
    expect(loadConfig(provider).oidc).toMatchObject({ issuer: 'https://id.example.com', endpoints: null });
    expect(refusal({ ...provider, OIDC_CLIENT_ID: '' })).toMatch(/^OIDC_CLIENT_ID is required beside/);
    expect(refusal({ OIDC_CLIENT_SECRET: 'secret' })).toMatch(/^OIDC_ISSUER is required beside/);
    const urls = { OIDC_AUTHORIZATION_URL: 'https://id.example.com/a', OIDC_TOKEN_URL: 'https://id.example.com/t' };
    expect(refusal({ ...provider, ...urls })).toMatch(/^OIDC_JWKS_URL is required beside/);
    expect(loadConfig({ ...provider, ...urls, OIDC_JWKS_URL: 'https://id.example.com/k' }).oidc?.endpoints).toEqual({
      authorization: 'https://id.example.com/a',
      token: 'https://id.example.com/t',
      jwks: 'https://id.example.com/k',
    });
  });
});

describe('.env.example', () => {
  const lines = example.split('\n');
  const isVariable = (line: string): boolean => /^(# )?[A-Z_]+=/.test(line);

  it('has each variable once, with a comment right above it', () => {
    const named = lines.filter(isVariable).map((line) => line.replace(/^# /, '').replace(/=.*$/, ''));
    expect(named).toEqual(VARIABLES);
    for (const [place, line] of lines.entries()) {
      if (isVariable(line)) expect(lines[place - 1]).toMatch(/^(# |[a-z]).{10,}/);
    }
  });

  it('may be copied as it stands: it changes nothing', () => {
    expect(loadConfig(parseEnv(example) as Record<string, string>)).toEqual(loadConfig({}));
  });

  it('shows values that are accepted', () => {
    const all = parseEnv(example.replace(/^# ([A-Z_]+=.+)$/gm, '$1')) as Record<string, string>;
    expect(() => loadConfig({ ...all, SALLYPORT_SECRET: secret })).not.toThrow();
  });
});

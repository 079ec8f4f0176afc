import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsKey, keyPatterns, withoutKeys } from '../../src/auth/key-format.js';
import { createLogger } from '../../src/platform/logger.js';
import { asking, base62, foreignKey, formatOf, type ShownKey, sha256 } from './api-keys-asking.js';
import { type Shop, startShop } from './shop.js';

interface Imported {
  readonly importApiKeys: { readonly apiKeys: readonly ShownKey[]; readonly warnings: readonly string[] };
}

describe.each([['sp'], ['ca']])('on a server whose keys begin with %s', (brand) => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await startShop({ env: { KEY_BRAND: brand } });
  });
  afterAll(() => shop?.stop());

  const bring = (prefix: string, keys: readonly object[], length = 36) =>
    shop.owner.data<Imported>(asking.import, { input: { format: { prefix, length, alphabet: base62 }, keys } });
  const answer = async (key: string) => {
    const { status, errors } = await shop.as({ key }).ask('{ me { kind } }');
    return status === 200 ? 'LET IN' : errors[0]?.extensions.reason;
  };

  it.each([['ago_'], ['ca_acct_'], ['ca_agt_']])(
    'lets keys in that begin with %s, unchanged and at once',
    async (prefix) => {
      const key = foreignKey(prefix);
      const kind = prefix === 'ca_agt_' ? { kind: 'AGENT', agentId: shop.ids.agentId } : { kind: 'ACCOUNT' };
      const { importApiKeys } = await bring(prefix, [{ ...kind, name: 'Brought', hash: sha256(key) }], key.length);
      expect(importApiKeys.apiKeys).toEqual([expect.objectContaining({ start: prefix, needsRescope: false })]);
      expect(await answer(key)).toBe('LET IN');
      expect(await answer(foreignKey(prefix))).toBe('UNKNOWN');
      expect(await answer(`${key}a`)).toBe('MALFORMED');
      expect(await answer(`${key.slice(0, -1)}-`)).toBe('MALFORMED');
      expect(await shop.lastEntry('apiKey.import')).toMatchObject({ details: { count: 1 }, allowedBy: 'role:ADMIN' });
    },
  );

  it('knows the 36 characters of ago_ and goes on knowing its own keys', async () => {
    expect(foreignKey('ago_')).toHaveLength(36);
    const own = await shop.key('contacts:read');
    expect((await own.ask('{ me { kind } }')).status).toBe(200);
  });
});

describe('an import', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await startShop();
  });
  afterAll(() => shop?.stop());
  const format = { prefix: 'ago_', length: 36, alphabet: base62 };
  const bring = (keys: readonly object[], of: object = format) => ({ input: { format: of, keys } });
  const one = (key: string, more: object = {}) => ({ kind: 'ACCOUNT', name: 'Brought', hash: sha256(key), ...more });

  it('of everything satisfies every scope but audit:read until it is narrowed, which ends its need', async () => {
    const key = foreignKey('ago_');
    const { importApiKeys } = await shop.owner.data<Imported>(asking.import, bring([one(key, { scopes: ['*'] })]));
    const [imported] = importApiKeys.apiKeys;
    expect(imported).toMatchObject({ scopes: ['*'], needsRescope: true });
    expect(imported?.effectiveScopes).toEqual(expect.arrayContaining(['messages:send', 'calls:detail']));
    expect(imported?.effectiveScopes).not.toContain('audit:read');
    expect(importApiKeys.warnings).toEqual([expect.stringContaining('*')]);
    const audit = await shop.as({ key }).refused('{ auditEntries { totalCount } }');
    expect(audit.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['audit:read'] });
    const wider = await shop.owner.refused(asking.update, { input: { id: imported?.id, scopes: ['audit:read'] } });
    expect(wider.message).toContain('audit:read');
    const { updateApiKey } = await shop.owner.data<{ updateApiKey: { apiKey: ShownKey } }>(asking.update, {
      input: { id: imported?.id, scopes: ['contacts:*'] },
    });
    expect(updateApiKey.apiKey).toMatchObject({ scopes: ['contacts:*'], needsRescope: false });
  });

  it('of a hash that is known anywhere is refused, and none of its keys is there', async () => {
    const known = await shop.createKey({ kind: 'ACCOUNT', workspaceId: shop.elsewhere.workspaceId });
    const fresh = foreignKey('ago_');
    const before = await shop.database.owner.apiKey.count();
    const refused = await shop.owner.refused(asking.import, bring([one(fresh), one(known.key)]));
    expect(refused.extensions.code).toBe('CONFLICT');
    expect(await shop.database.owner.apiKey.count()).toBe(before);
    expect((await shop.as({ key: fresh }).refused('{ me { kind } }')).extensions.reason).toBe('UNKNOWN');
    expect(await shop.trail('apiKey.import')).toHaveLength(1);
  });

  it.each<[string, object, readonly object[] | null, string]>([
    ['a prefix without an end', { prefix: 'ago' }, null, 'input.format.prefix'],
    ['the prefix of ids', { prefix: 'agt_' }, null, 'input.format.prefix'],
    ['a short prefix', { prefix: 'a_' }, null, 'input.format.prefix'],
    ['too few random bits', { length: 19 }, null, 'input.format.length'],
    ['a length of 201', { length: 201 }, null, 'input.format.length'],
    ['a blank in the alphabet', { alphabet: 'ab c' }, null, 'input.format.alphabet'],
    ['no key', {}, [], 'input.keys'],
    ['a hash that is none', {}, [one('x', { hash: 'abc' })], 'input.keys.0.hash'],
    ['one hash twice', {}, [one('x'), one('x')], 'input.keys.1.hash'],
    ['a start that tells too much', {}, [one('x', { start: 'ago_12345' })], 'input.keys.0.start'],
    ['an unknown scope', {}, [one('x', { scopes: ['contact:read'] })], 'input.keys.0.scopes'],
    ['an empty list of scopes', {}, [one('x', { scopes: [] })], 'input.keys.0.scopes'],
    [
      'an agent that is not there',
      {},
      [one('x'), one('y', { kind: 'AGENT', agentId: 'agt_01h455vb4pex5vsknk084sn02q' })],
      'input.keys.1.agentId',
    ],
  ])('with %s is refused by its field', async (_, of, keys, field) => {
    const before = await shop.database.owner.apiKey.count();
    const input = bring(keys ?? [one(foreignKey('ago_'))], { ...format, ...of });
    const refused = await shop.writesNothing(() => shop.owner.refused(asking.import, input));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    expect(await shop.database.owner.apiKey.count()).toBe(before);
  });

  it('names no agent of another workspace', async () => {
    const agentId = shop.elsewhere.ids.agentId;
    const input = bring([one(foreignKey('ago_'), { kind: 'AGENT', agentId })]);
    const refused = await shop.writesNothing(() => shop.owner.refused(asking.import, input));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.keys.0.agentId' });
  });

  it('makes its keys secret everywhere: log, trail, use', async () => {
    const key = foreignKey('vgl-');
    expect(holdsKey(`see ${key}`)).toBe(false);
    const lines: string[] = [];
    const log = createLogger({ secretPatterns: keyPatterns, destination: { write: (line) => void lines.push(line) } });
    await shop.owner.data(asking.import, bring([one(key)], formatOf(key, 'vgl-')));
    expect(holdsKey(`see ${key}`)).toBe(true);
    expect(withoutKeys(`curl ${key}`)).toBe('curl [key]');
    log.info({ note: `used ${key}` }, `with ${key.slice(0, 20)}`);
    expect(lines.join()).not.toContain(key.slice(0, 20));
    expect(lines.join()).toContain('scrubbed');
  });
});

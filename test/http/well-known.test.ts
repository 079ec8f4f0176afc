import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSignedBy, signHead } from '../../src/audit/links.js';
import { auditKeySet } from '../../src/audit/public-keys.js';
import { newKeySecret, parseKey } from '../../src/auth/key-format.js';
import { keyFormatDocument } from '../../src/auth/key-format-document.js';
import { wellKnownRoutes } from '../../src/http/well-known.js';
import { auditKeyFromSeed } from '../../src/platform/secrets.js';
import { startTestServer, type TestServer } from './test-server.js';

const auditKeys = [7, 8].map((byte) => auditKeyFromSeed(Buffer.alloc(32, byte)));
const CONTACT = 'mailto:security@example.com';
const NOW = new Date('2026-11-26T18:00:00.000Z');
const PATH = '/.well-known/sallyport-key-format';

const serve = (securityContact: string | null, publicUrl: string | null = 'https://api.example.com') =>
  startTestServer({
    wellKnown: wellKnownRoutes({
      keyFormat: keyFormatDocument('sp'),
      auditKeys: auditKeySet(auditKeys),
      securityContact,
      publicUrl,
      clock: { now: () => NOW },
    }),
  });

let server: TestServer;
beforeAll(async () => {
  server = await serve(CONTACT);
});
afterAll(() => server.door.drain(1_000));

interface Format {
  readonly kinds: readonly {
    readonly prefix: string;
    readonly regex: string;
    readonly length: number;
    readonly alphabet: string;
    readonly example: { readonly accepted: string; readonly refused: string };
  }[];
  readonly checksum: {
    readonly algorithm: string;
    readonly check: { readonly over: string; readonly crc32: string };
    readonly alphabet: string;
    readonly length: number;
  };
  readonly search: string;
}

const fetchFormat = async (): Promise<Format> => (await (await server.get(PATH)).json()) as Format;

/** CRC-32 as textbooks have it, bit by bit into a table: not the code that makes the keys. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});
function crcOf(text: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at++) crc = (TABLE[(crc ^ text.charCodeAt(at)) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** What the author of a scanner would write, who has nothing but the document. */
function scannerOf({ kinds, checksum }: Format): (text: string) => boolean {
  const patterns = kinds.map(({ regex, length }) => ({ regex: new RegExp(regex), length }));
  return (text) => {
    if (!patterns.some(({ regex, length }) => text.length === length && regex.test(text))) return false;
    let rest = crcOf(text.slice(0, -checksum.length));
    let digits = '';
    for (let place = 0; place < checksum.length; place++) {
      digits = checksum.alphabet.charAt(rest % checksum.alphabet.length) + digits;
      rest = Math.floor(rest / checksum.alphabet.length);
    }
    return digits === text.slice(-checksum.length);
  };
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const other = (char: string, by: number): string => BASE62.charAt((BASE62.indexOf(char) + 1 + (by % 61)) % 62);
const flipped = (char: string): string => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase());
const replaced = (key: string, at: number, by: string): string => key.slice(0, at) + by + key.slice(at + 1);

/** Each takes a key and a number, and gives what is almost a key. */
const nearMisses: readonly ((key: string, by: number) => string)[] = [
  (key, by) => replaced(key, by % key.length, other(key.charAt(by % key.length), by)),
  (key, by) => {
    const at = by % (key.length - 1);
    return key.slice(0, at) + key.charAt(at + 1) + key.charAt(at) + key.slice(at + 2);
  },
  (key, by) => key.slice(0, key.length - 1 - (by % (key.length - 1))),
  (key, by) => key + BASE62.charAt(by % 62),
  (key) => key.slice(1),
  (key, by) => key.replace('sp_', `${['gh', 'ca', 'spx', 'xsp', 'SP'][by % 5]}_`),
  (key, by) => {
    const letters = [...key].flatMap((char, at) => (/[A-Za-z]/.test(char) ? [at] : []));
    const at = letters[by % letters.length] ?? 0;
    return replaced(key, at, flipped(key.charAt(at)));
  },
  (key) => key.toUpperCase(),
  (key) => (key.includes('_acct_') ? key.replace('_acct_', '_agt_') : key.replace('_agt_', '_acct_')),
  (key, by) => replaced(key, 8 + (by % 30), ['-', '.', '_', ' ', 'é'][by % 5] ?? ''),
];

describe(PATH, () => {
  it('is for everyone, and costs nothing the second time', async () => {
    const first = await server.get(PATH);
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(first.headers.get('cache-control')).toBe('public, max-age=3600');
    const tag = first.headers.get('etag') ?? '';
    expect((await server.get(PATH, { 'if-none-match': tag })).status).toBe(304);
    expect((await fetch(server.url + PATH, { method: 'POST' })).status).toBe(405);
    expect(await first.json()).toMatchObject({ version: 1, brand: 'sp' });
  });

  it('holds a vector for each rule, and examples that are what they are called', async () => {
    const format = await fetchFormat();
    expect(crcOf(format.checksum.check.over).toString(16)).toBe(format.checksum.check.crc32);
    const isKey = scannerOf(format);
    for (const { prefix, alphabet, example } of format.kinds) {
      expect([isKey(example.accepted), isKey(example.refused)]).toEqual([true, false]);
      expect([parseKey(example.accepted, 'sp') === null, parseKey(example.refused, 'sp') === null]).toEqual([
        false,
        true,
      ]);
      expect(example.accepted.startsWith(prefix)).toBe(true);
      expect(alphabet).toBe(BASE62);
    }
  });

  it('is enough to find keys in a text, and nothing around them', async () => {
    const { search } = await fetchFormat();
    const [one, two] = [newKeySecret('ACCOUNT', 'sp').key, newKeySecret('AGENT', 'sp').key];
    const text = `KEY="${one}"\nhttps://x.example/?k=${two}&y=1 x${one} ${two}0 ${one.slice(0, -1)} agt_${two.slice(7)}`;
    expect(text.match(new RegExp(search, 'g'))).toEqual([one, two]);
  });

  it('judges 100,000 keys and 100,000 near misses as the door does', async () => {
    const isKey = scannerOf(await fetchFormat());
    const began = performance.now();
    const verdicts = { keys: 0, misses: 0, differing: [] as string[], unchanged: 0 };
    for (let made = 0; made < 100_000; made++) {
      const { key } = newKeySecret(made % 2 === 0 ? 'ACCOUNT' : 'AGENT', 'sp');
      if (isKey(key) && parseKey(key, 'sp') !== null) verdicts.keys++;
      const miss = nearMisses[made % nearMisses.length]?.(key, Math.floor(made / nearMisses.length)) ?? '';
      const isAccepted = isKey(miss);
      if (isAccepted !== (parseKey(miss, 'sp') !== null)) verdicts.differing.push(miss);
      if (miss === key) verdicts.unchanged++;
      else if (!isAccepted) verdicts.misses++;
    }
    expect(verdicts.keys).toBe(100_000);
    expect(verdicts.differing).toEqual([]);
    // Two equal neighbours in the other order are the key itself.
    expect(verdicts.unchanged).toBeLessThan(1_000);
    expect(verdicts.misses + verdicts.unchanged).toBe(100_000);
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('says the same of another brand', () => {
    const isKey = scannerOf(keyFormatDocument('acme9'));
    expect(isKey(newKeySecret('AGENT', 'acme9').key)).toBe(true);
    expect(isKey(newKeySecret('AGENT', 'sp').key)).toBe(false);
  });
});

describe('/.well-known/sallyport-audit-keys', () => {
  const path = '/.well-known/sallyport-audit-keys';

  it('is for everyone, and costs nothing the second time', async () => {
    const first = await server.get(path);
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'application/jwk-set+json; charset=utf-8']);
    const tag = first.headers.get('etag') ?? '';
    expect((await server.get(path, { 'if-none-match': tag })).status).toBe(304);
    expect((await fetch(server.url + path, { method: 'POST' })).status).toBe(405);
  });

  it('is enough to verify a checkpoint of the current and of the previous key, and holds no private part', async () => {
    const { keys } = (await (await server.get(path)).json()) as { keys: (JsonWebKey & { kid: string })[] };
    expect(keys.map(({ kid }) => kid)).toEqual(auditKeys.map(({ keyId }) => keyId));
    const head = { workspaceId: 'wsp_1', seq: 3, hash: 'a'.repeat(64), createdAt: NOW };
    auditKeys.forEach((signer, at) => {
      const jwk = keys[at] ?? {};
      expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
      const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
      const checkpoint = signHead(head, signer);
      expect(isSignedBy(checkpoint, publicKey)).toBe(true);
      expect(isSignedBy({ ...checkpoint, seq: 2 }, publicKey)).toBe(false);
    });
  });
});

describe('/.well-known/security.txt', () => {
  it('names the contact, and an end within the year', async () => {
    const response = await server.get('/.well-known/security.txt');
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe(
      [
        'Contact: mailto:security@example.com',
        'Expires: 2027-05-25T00:00:00.000Z',
        'Preferred-Languages: en',
        'Canonical: https://api.example.com/.well-known/security.txt',
        '',
      ].join('\r\n'),
    );
  });

  it('is not there without a contact', async () => {
    const silent = await serve(null);
    expect((await silent.get('/.well-known/security.txt')).status).toBe(404);
    expect((await silent.get(PATH)).status).toBe(200);
    await silent.door.drain(1_000);
  });
});

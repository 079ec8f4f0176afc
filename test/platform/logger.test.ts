import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_PATTERN_ANY, newKeySecret } from '../../src/auth/key-format.js';
import { newId } from '../../src/platform/ids.js';
import { createLogger, type Logger } from '../../src/platform/logger.js';
import { createScrubber, SCRUBBED } from '../../src/platform/scrub.js';

/** Everything that was written while `use` ran. */
const written = (use: (log: Logger) => void, bindings: Record<string, unknown> = {}): string => {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  use(createLogger({ level: 'trace', secretPatterns: [KEY_PATTERN_ANY], destination, bindings }));
  for (const line of lines) {
    expect(line.endsWith('\n')).toBe(true);
    expect(JSON.parse(line)).toHaveProperty('level');
  }
  return lines.join('');
};

const failing = (message: string): Error => {
  const cause = new Error(`cause ${message}`);
  return Object.assign(new Error(message, { cause }), { config: { headers: { Authorization: message } } });
};

const WAYS: readonly [string, (log: Logger, secret: string) => void][] = [
  ['a message', (log, secret) => log.info(`used ${secret} here`)],
  ['a message with arguments', (log, secret) => log.warn('used %s and %j', secret, { secret })],
  ['an object', (log, secret) => log.info({ value: secret }, 'used')],
  ['a nested object', (log, secret) => log.info({ a: { b: [{ c: `x${secret}` }] } })],
  ['the name of a member', (log, secret) => log.info({ seen: { [secret]: 1 } })],
  [
    'JSON inside a text',
    (log, secret) => log.info({ body: JSON.stringify({ key: secret, inner: JSON.stringify([secret]) }) }),
  ],
  ['an error', (log, secret) => log.error(failing(`bad ${secret}`))],
  ['an error as a member', (log, secret) => log.error({ err: failing(`bad ${secret}`) }, 'failed')],
  ['an error under another name', (log, secret) => log.error({ reason: failing(secret) })],
  ['errors joined', (log, secret) => log.error(new AggregateError([failing(secret)], secret))],
  [
    'a stack',
    (log, secret) => log.error(Object.assign(new Error('x'), { stack: `Error: x\n    at ${secret} (a.js:1:1)` })),
  ],
  ['a binding', (log, secret) => log.child({ request: { key: secret } }).info('used')],
  ['toJSON', (log, secret) => log.info({ value: { toJSON: () => ({ inside: secret }) } })],
  ['a URL', (log, secret) => log.info(`GET /graphql?key=${secret}&x=1`)],
];

describe('the logger', () => {
  it.each(WAYS)('never writes an API key, given in %s', (_way, log) => {
    for (const { key } of [newKeySecret('ACCOUNT', 'sp'), newKeySecret('AGENT', 'otherbrand')]) {
      const out = written((logger) => log(logger, key));
      expect(out).toContain(SCRUBBED);
      expect(out).not.toContain(key);
      expect(out).not.toContain(key.slice(10, 30));
    }
  });

  it.each(WAYS)('never writes a webhook secret, given in %s', (_way, log) => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const out = written((logger) => log(logger, secret));
    expect(out).toContain(SCRUBBED);
    expect(out).not.toContain(secret.slice(6, 20));
  });

  it('never writes a key bound to every line', () => {
    const { key } = newKeySecret('ACCOUNT', 'sp');
    expect(written((log) => log.info('hello'), { boot: key })).not.toContain(key);
  });

  it.each([
    ['headers', { headers: { authorization: 'Basic dTpoaWRkZW4=', cookie: 'a=hidden; b=hidden' } }],
    [
      'headers in other case',
      { headers: { Authorization: 'hidden', 'X-API-Key': 'hidden', 'Set-Cookie': ['s=hidden'] } },
    ],
    ['raw headers', { rawHeaders: ['Host', 'localhost', 'Cookie', 's=hidden', 'AUTHORIZATION', 'hidden'] }],
    ['a header line', { text: 'POST / HTTP/1.1\r\nCookie: s=hidden; t="hidden, too"\r\nHost: localhost' }],
    ['a command', { text: "curl -H 'Authorization: Bearer hidden' localhost" }],
    ['JSON in a text', { text: JSON.stringify({ cookie: 's=hidden' }) }],
    ['a bearer token alone', { text: 'sent Bearer hidden.hidden.hidden' }],
    ['a password', { user: { password: 'hidden' } }],
    ['tokens', { accessToken: 'hidden', session_token: 'hidden' }],
    ['a URL with a password', { url: 'postgres://app:hidden@db.example.com/app' }],
  ])('never writes what stands in %s', (_where, object) => {
    const out = written((log) => {
      log.info(object);
      log.info(JSON.stringify(object));
    });
    expect(out).not.toContain('hidden');
    expect(out).toContain(SCRUBBED);
  });

  it('leaves ids, starts and ordinary words alone', () => {
    const { start } = newKeySecret('AGENT', 'sp');
    const ids = {
      agent: newId('agt'),
      key: newId('key'),
      start,
      host: 'localhost',
      url: 'http://localhost:4000/graphql',
    };
    const out = written((log) => log.info(ids, 'the key was used'));
    expect(JSON.parse(out)).toMatchObject({ ...ids, msg: 'the key was used' });
  });

  it('writes time, level and bindings', () => {
    const line = JSON.parse(written((log) => log.warn('hello'), { service: 'sallyport' }));
    expect(line).toMatchObject({ level: 40, service: 'sallyport', msg: 'hello' });
    expect(new Date(line.time).getTime()).toBeGreaterThan(0);
  });

  it('keeps below its level', () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => lines.push(line) };
    createLogger({ level: 'error', secretPatterns: [], destination }).info('quiet');
    expect(lines).toEqual([]);
  });
});

describe('the scrubber', () => {
  const scrubber = createScrubber([KEY_PATTERN_ANY]);

  it('finds a key in any surroundings', () => {
    const { key } = newKeySecret('ACCOUNT', 'sp');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (before, after) => {
        const line = `${JSON.stringify({ msg: before + key + after })}\n`;
        expect(scrubber.jsonLine(line)).not.toContain(key);
        expect(scrubber.text(before + key + after)).not.toContain(key);
      }),
    );
  });

  it('keeps a line of JSON a line of JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom('cookie', 'token', 'x'), (value, name) => {
        const out = scrubber.jsonLine(`${JSON.stringify({ [name]: value })}\n`);
        expect(out.endsWith('\n')).toBe(true);
        expect(Object.keys(JSON.parse(out))).toEqual([name]);
      }),
    );
  });

  it('gives nothing of a line it cannot read', () => {
    expect(scrubber.jsonLine('{"cookie": "hidden')).not.toContain('hidden');
  });

  it('is done quickly with a long line', () => {
    const began = performance.now();
    for (const unit of ['a', 'a:', '://', 'cookie', 'bearer ', 'sp_acct_', 'a.a-', '\\"', 'whsec']) {
      scrubber.jsonLine(`${JSON.stringify({ msg: `cookie ${unit.repeat(100_000)}` })}\n`);
    }
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

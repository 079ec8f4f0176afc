import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Sealed, sealOf } from '../../src/effects/seal.js';

const REQUEST: Sealed = {
  kind: 'message.send',
  payload: { to: 'ada@example.com', subject: 'Hello', body: 'Hi Ada', attachments: [] },
  workspaceId: 'wsp_01h455vb4pex5vsknk084sn02q',
  principal: { kind: 'ACCOUNT_KEY', id: 'key_01h455vb4pex5vsknk084sn02q' },
  price: 1,
  priceBook: '2026-11',
  rule: { id: 'default.key', version: 1 },
  isSandbox: false,
};

describe('the seal', () => {
  it('is SHA-256 over the canonical JSON that a stranger can write down', () => {
    const text =
      '{"kind":"message.send","payload":{"attachments":[],"body":"Hi Ada","subject":"Hello","to":"ada@example.com"},' +
      '"price":1,"priceBook":"2026-11","principal":{"id":"key_01h455vb4pex5vsknk084sn02q","kind":"ACCOUNT_KEY"},' +
      '"rule":{"id":"default.key","version":1},"workspaceId":"wsp_01h455vb4pex5vsknk084sn02q"}';
    expect(sealOf(REQUEST)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it.each<[string, Partial<Sealed>]>([
    ['kind', { kind: 'message.resend' }],
    ['payload', { payload: { to: 'ada@example.com', subject: 'Hello', body: 'Hi Ada!', attachments: [] } }],
    ['workspace', { workspaceId: 'wsp_01h455vb4pex5vsknk084sn02r' }],
    ['kind of principal', { principal: { ...REQUEST.principal, kind: 'AGENT_KEY' } }],
    ['principal', { principal: { ...REQUEST.principal, id: 'key_01h455vb4pex5vsknk084sn02r' } }],
    ['price', { price: 2 }],
    ['price book', { priceBook: '2027-01' }],
    ['rule', { rule: { id: 'other', version: 1 } }],
    ['captured rehearsal', { isSandbox: true }],
    ['version of the rule', { rule: { id: 'default.key', version: 2 } }],
  ])('breaks with another %s', (_what, change) => {
    expect(sealOf({ ...REQUEST, ...change })).not.toBe(sealOf(REQUEST));
  });

  it('does not depend on the order in which a payload was built', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (payload) => {
        const backwards = Object.fromEntries(Object.entries(payload).reverse());
        expect(sealOf({ ...REQUEST, payload: backwards })).toBe(sealOf({ ...REQUEST, payload }));
      }),
    );
  });

  it('survives being stored as JSON and read back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        expect(sealOf({ ...REQUEST, payload: JSON.parse(JSON.stringify(payload)) })).toBe(
          sealOf({ ...REQUEST, payload }),
        );
      }),
    );
  });

  it('covers nothing but what it names', () => {
    const withMore = { ...REQUEST, rule: { ...REQUEST.rule, reason: 'a key asks' }, requestId: 'r1' };
    expect(sealOf(withMore)).toBe(sealOf(REQUEST));
  });

  it('is not given to an effect without a payload', () => {
    expect(() => sealOf({ ...REQUEST, payload: undefined })).toThrow(TypeError);
  });
});

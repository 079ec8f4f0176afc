import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/platform/clock.js';
import { decode, encode, ID_PREFIXES, isId, newId, parseId } from '../../src/platform/ids.js';

const clockAt = (...times: number[]): Clock => {
  let call = 0;
  return { now: () => new Date(times[Math.min(call++, times.length - 1)] ?? 0) };
};

describe('the codec', () => {
  // https://github.com/jetify-com/typeid/blob/main/spec/valid.yml
  it.each([
    ['00000000000000000000000000', '00000000-0000-0000-0000-000000000000'],
    ['00000000000000000000000001', '00000000-0000-0000-0000-000000000001'],
    ['0000000000000000000000000a', '00000000-0000-0000-0000-00000000000a'],
    ['0000000000000000000000000g', '00000000-0000-0000-0000-000000000010'],
    ['00000000000000000000000010', '00000000-0000-0000-0000-000000000020'],
    ['7zzzzzzzzzzzzzzzzzzzzzzzzz', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['0123456789abcdefghjkmnpqrs', '0110c853-1d09-52d8-d73e-1194e95b5f19'],
    ['01h455vb4pex5vsknk084sn02q', '01890a5d-ac96-774b-bcce-b302099a8057'],
  ])('agrees with the TypeID vector %s', (suffix, uuid) => {
    expect(encode(uuid)).toBe(suffix);
    expect(decode(suffix)).toBe(uuid);
  });

  it('gives back every UUID it encoded', () => {
    fc.assert(fc.property(fc.uuid(), (uuid) => decode(encode(uuid)) === uuid));
  });

  it('sorts as the UUIDs sort', () => {
    fc.assert(fc.property(fc.uuid(), fc.uuid(), (a, b) => encode(a) < encode(b) === a < b));
  });

  it('knows one spelling only: what decodes encodes to the same text', () => {
    const almost = fc.string({ unit: fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyzABC_-'), maxLength: 30 });
    fc.assert(
      fc.property(almost, (text) => {
        const uuid = decode(text);
        return uuid === null || encode(uuid) === text;
      }),
    );
  });

  it.each(['', 'not a uuid', '01890A5D-AC96-774B-BCCE-B302099A8057', '01890a5dac96774bbcceb302099a8057'])(
    'refuses to encode %j',
    (uuid) => {
      expect(() => encode(uuid)).toThrow(TypeError);
    },
  );
});

describe('parseId', () => {
  const good = 'agt_01h455vb4pex5vsknk084sn02q';

  it('reads prefix and UUID', () => {
    expect(parseId(good)).toEqual({ prefix: 'agt', uuid: '01890a5d-ac96-774b-bcce-b302099a8057' });
  });

  it.each([
    ['nothing', ''],
    ['an unknown prefix', 'zzz_01h455vb4pex5vsknk084sn02q'],
    ['no prefix', '01h455vb4pex5vsknk084sn02q'],
    ['upper case', 'agt_01H455VB4PEX5VSKNK084SN02Q'],
    ['an upper-case prefix', 'AGT_01h455vb4pex5vsknk084sn02q'],
    ['an overflow', 'agt_81h455vb4pex5vsknk084sn02q'],
    ['a letter outside the alphabet', 'agt_01h455vb4pex5vsknk084sn02u'],
    ['another separator', 'agt-01h455vb4pex5vsknk084sn02q'],
    ['one character less', good.slice(0, -1)],
    ['one character more', `${good}0`],
    ['a line break at the end', `${good}\n`],
    ['a blank before', ` ${good}`],
    ['a property of Object', 'constructor'],
  ])('refuses %s', (_what, text) => {
    expect(parseId(text)).toBeNull();
    expect(isId(text)).toBe(false);
  });

  it('tells one prefix from another', () => {
    expect(isId(good, 'agt')).toBe(true);
    expect(isId(good, 'ctc')).toBe(false);
    expect(isId(42)).toBe(false);
    expect(isId(null)).toBe(false);
  });
});

describe('newId', () => {
  it('makes ids of version 7 and the RFC variant that carry the time', () => {
    const at = Date.UTC(2026, 10, 22, 12);
    for (const prefix of ID_PREFIXES) {
      const parsed = parseId(newId(prefix, clockAt(at)));
      expect(parsed?.prefix).toBe(prefix);
      expect(parsed?.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Number.parseInt(parsed?.uuid.replaceAll('-', '').slice(0, 12) ?? '', 16)).toBe(at);
    }
  });

  it('is unique and ordered however the clock runs', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 47 }), { minLength: 2, maxLength: 50 }), (times) => {
        const clock = clockAt(...times);
        const ids = times.map(() => newId('ctc', clock));
        expect([...ids].sort()).toEqual(ids);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it('is unique where nothing but chance tells ids apart', () => {
    // A clock of its own each, at the same moment: no counter goes on.
    const ids = Array.from({ length: 5_000 }, () => newId('ctc', { now: () => new Date(0) }));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('stays unique and ordered for a hundred thousand ids at once', () => {
    const ids = Array.from({ length: 100_000 }, () => newId('msg'));
    expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? ''))).toBe(true);
  });

  it('does not let one clock pull another forward', () => {
    newId('run', clockAt(Date.UTC(2040, 0)));
    const uuid = parseId(newId('run', clockAt(Date.UTC(2020, 0))))?.uuid ?? '';
    expect(Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16)).toBe(Date.UTC(2020, 0));
  });

  it('knows each prefix once', () => {
    expect(new Set(ID_PREFIXES).size).toBe(ID_PREFIXES.length);
    expect(ID_PREFIXES.every((prefix) => /^[a-z]{3}$/.test(prefix))).toBe(true);
  });
});

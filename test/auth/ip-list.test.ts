import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIpAllowed, readRange } from '../../src/auth/ip-list.js';

describe('readRange', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1/128', '2001:db8::1'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['::/0', '::/0'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ])('writes %s as %s', (text, range) => {
    expect(readRange(text)).toEqual({ range });
  });

  it.each([
    [''],
    [' 10.0.0.1'],
    ['127.1'],
    ['2130706433'],
    ['0x7f.0.0.1'],
    ['0177.0.0.1'],
    ['127.0.0.01'],
    ['256.0.0.1'],
    ['1.2.3.4.5'],
    ['fe80::1%eth0'],
    ['fe80::%1/64'],
    ['::ffff:0177.0.0.1'],
    ['1::2::3'],
    ['localhost'],
    ['10.0.0.0/8/8'],
    ['10.0.0.0/'],
    ['10.0.0.0/33'],
    ['10.0.0.0/08'],
    ['10.0.0.0/-1'],
    ['10.0.0.0/255.0.0.0'],
    ['2001:db8::/129'],
  ])('refuses %j', (text) => {
    expect(readRange(text)).toHaveProperty('refusal');
  });

  it.each([
    ['10.0.0.1/8', '10.0.0.0/8'],
    ['192.168.1.255/25', '192.168.1.128/25'],
    ['2001:db8::1/32', '2001:db8::/32'],
    ['::ffff:10.0.0.1/104', '::ffff:a00:0/104'],
  ])('refuses the host bits of %s and proposes %s', (text, network) => {
    expect(readRange(text)).toEqual({ refusal: expect.stringContaining(network) });
  });
});

describe('isIpAllowed', () => {
  it.each([
    ['192.0.2.7', ['192.0.2.7'], true],
    ['192.0.2.8', ['192.0.2.7'], false],
    ['10.255.0.1', ['192.0.2.7', '10.0.0.0/8'], true],
    ['11.0.0.0', ['10.0.0.0/8'], false],
    ['::ffff:10.1.2.3', ['10.0.0.0/8'], true],
    ['::ffff:0a01:0203', ['10.0.0.0/8'], true],
    ['10.1.2.3', ['::/0'], false],
    ['2001:db8::5', ['0.0.0.0/0'], false],
    ['2001:db8:ffff::5', ['2001:db8::/32'], true],
    ['2001:0DB8:0::1', ['2001:db8::1'], true],
    ['fe80::1%eth0', ['fe80::/10'], true],
    ['not an address', ['0.0.0.0/0'], false],
    ['10.0.0.1', ['not a range'], false],
    ['10.0.0.1', [], true],
  ])('%s in %j: %s', (ip, allowed, verdict) => {
    expect(isIpAllowed(ip, allowed)).toBe(verdict);
  });

  it('admits an unknown address only where any address is allowed', () => {
    expect(isIpAllowed(null, [])).toBe(true);
    expect(isIpAllowed(null, ['0.0.0.0/0', '::/0'])).toBe(false);
  });

  it('admits exactly the addresses that share the prefix', () => {
    const quad = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
    const asNumber = ([a, b, c, d]: readonly number[]): number =>
      (((a ?? 0) << 24) | ((b ?? 0) << 16) | ((c ?? 0) << 8) | (d ?? 0)) >>> 0;
    fc.assert(
      fc.property(quad, quad, fc.integer({ min: 0, max: 32 }), (client, base, bits) => {
        const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
        const network = (asNumber(base) & mask) >>> 0;
        const text = [24, 16, 8, 0].map((shift) => (network >>> shift) & 255).join('.');
        const expected = (asNumber(client) & mask) >>> 0 === network;
        expect(isIpAllowed(client.join('.'), [`${text}/${bits}`])).toBe(expected);
        expect(isIpAllowed(`::ffff:${client.join('.')}`, [`${text}/${bits}`])).toBe(expected);
      }),
    );
  });
});

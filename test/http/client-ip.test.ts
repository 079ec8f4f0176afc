import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientIp, normalAddress } from '../../src/http/client-ip.js';

describe('the client address', () => {
  it.each([
    // peer, X-Forwarded-For, proxies, client
    ['203.0.113.9', undefined, 0, '203.0.113.9'],
    ['::ffff:203.0.113.9', undefined, 0, '203.0.113.9'],
    ['203.0.113.9', '198.51.100.7', 0, '203.0.113.9'],
    ['10.0.0.1', '198.51.100.7', 1, '198.51.100.7'],
    ['10.0.0.1', '1.2.3.4, 198.51.100.7', 1, '198.51.100.7'],
    ['10.0.0.1', '1.2.3.4, 198.51.100.7, 10.0.0.2', 2, '198.51.100.7'],
    ['10.0.0.1', '198.51.100.7', 2, '198.51.100.7'],
    ['10.0.0.1', undefined, 2, '10.0.0.1'],
    ['10.0.0.1', '', 1, '10.0.0.1'],
    ['10.0.0.1', 'unknown', 1, '10.0.0.1'],
    ['10.0.0.1', '198.51.100.7:4711', 1, '198.51.100.7'],
    ['10.0.0.1', '[2001:db8::1]:4711', 1, '2001:db8::1'],
    ['10.0.0.1', '2001:DB8:0:0:0:0:0:1', 1, '2001:db8::1'],
    ['10.0.0.1', '::ffff:198.51.100.7', 1, '198.51.100.7'],
    ['::1', undefined, 0, '::1'],
    ['fe80::1%eth0', undefined, 0, 'fe80::1'],
    [undefined, undefined, 0, null],
    [undefined, '198.51.100.7', 0, null],
    [undefined, '198.51.100.7', 1, '198.51.100.7'],
    ['10.0.0.1', '017.0.0.1', 1, '10.0.0.1'],
    ['10.0.0.1', '0x7f000001', 1, '10.0.0.1'],
    ['10.0.0.1', '2130706433', 1, '10.0.0.1'],
  ])('peer %s, forwarded for %s, behind %i proxies: %s', (peer, forwardedFor, proxies, expected) => {
    expect(clientIp(peer, forwardedFor, proxies)).toBe(expected);
  });

  it('cannot be moved by what a client writes in front of the entries of our proxies', () => {
    const text = fc.string({ maxLength: 40 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), fc.ipV4(), (forged, real) => {
        const header = [...forged.map((part) => part.replaceAll(',', '')), real, '10.0.0.2'].join(', ');
        expect(clientIp('10.0.0.1', header, 2)).toBe(normalAddress(real));
      }),
    );
  });

  it('is an address or null, whatever the header says', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(4), (header, proxies) => {
        const ip = clientIp('10.0.0.1', header, proxies);
        expect(ip === null || normalAddress(ip) === ip).toBe(true);
      }),
    );
  });
});

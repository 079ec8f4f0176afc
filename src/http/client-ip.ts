// Which address is asking. A header is believed only as far as the operator said that proxies stand in front: each of the
// `trustProxy` proxies appends the peer it saw, so the client is that many places before the end of the chain.
import ipaddr from 'ipaddr.js';

/** `::ffff:` forms become v4, v6 is compressed, ports, brackets and zones go; null when it is no address. */
export function normalAddress(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^\[([^\]]+)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/%.*$/, '');
  // Four plain decimals or colons: ipaddr.js also reads octal, hex and short forms, which no proxy writes.
  if (!bare.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return null;
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : null;
}

/** @param forwardedFor the whole `X-Forwarded-For`, several of them joined by commas. Null: the peer is no IP socket. */
export function clientIp(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trustProxy: number,
): string | null {
  const seen = peer === undefined ? null : normalPeer(peer);
  if (trustProxy === 0 || forwardedFor === undefined) return seen;
  const chain = [...forwardedFor.split(',').map(normalAddress), seen];
  // Text that is no address was written by nobody we trust: go towards the proxies until one is.
  for (let place = Math.max(0, chain.length - 1 - trustProxy); place < chain.length; place += 1) {
    const address = chain[place];
    if (address !== null && address !== undefined) return address;
  }
  return null;
}

// A memo of a pure function: callers keep their connections, and proxies are few.
const peers = new Map<string, string | null>();
const PEERS_MAX = 1_000;

function normalPeer(peer: string): string | null {
  const known = peers.get(peer);
  if (known !== undefined) return known;
  const normal = normalAddress(peer);
  if (peers.size >= PEERS_MAX) peers.clear();
  peers.set(peer, normal);
  return normal;
}

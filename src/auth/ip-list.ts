// From where a key may be used: addresses and CIDR blocks, v4 and v6. Written strictly (no octal, no short forms, no zone
// ids, no host bits), so that nobody allows more than they meant; compared after v4-mapped addresses became v4.
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

interface Range {
  readonly address: Address;
  readonly prefixBits: number;
}

export type ReadRange = { readonly range: string } | { readonly refusal: string };

const MAPPED_BITS = 96;

const bitsOf = (address: Address): number => (address.kind() === 'ipv4' ? 32 : 128);

const addressOf = (text: string): Address | null => {
  if (text.includes('%') || !(isIPv4(text) || isIPv6(text))) return null;
  return ipaddr.parse(text);
};

/** `::ffff:10.0.0.0/104` is `10.0.0.0/8`: a client's mapped address is compared as v4 too. */
const unmapped = ({ address, prefixBits }: Range): Range =>
  address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && prefixBits >= MAPPED_BITS
    ? { address: address.toIPv4Address(), prefixBits: prefixBits - MAPPED_BITS }
    : { address, prefixBits };

const hasHostBits = ({ address, prefixBits }: Range): boolean =>
  address.toByteArray().some((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefixBits - index * 8));
    return (byte & (0xff >> kept)) !== 0;
  });

const parseRange = (text: string): Range | string => {
  const [host = '', prefix, ...more] = text.split('/');
  const address = addressOf(host);
  if (address === null || more.length > 0) {
    return 'is not an IPv4 or IPv6 address or CIDR block; write four decimal numbers, or v6 without a zone id';
  }
  if (prefix === undefined) return unmapped({ address, prefixBits: bitsOf(address) });
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bitsOf(address)) {
    return `has a prefix length that is not a number from 0 to ${bitsOf(address)}`;
  }
  const range = { address, prefixBits: Number(prefix) };
  return hasHostBits(range) ? `has bits set behind its prefix; did you mean ${networkOf(range)}` : unmapped(range);
};

const networkOf = ({ address, prefixBits }: Range): string => {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefixBits - index * 8));
    return byte & ~(0xff >> kept);
  });
  return `${ipaddr.fromByteArray(bytes).toString()}/${prefixBits}`;
};

/** The canonical spelling of one entry, or the clause that says what is wrong with it. */
export const readRange = (text: string): ReadRange => {
  const range = parseRange(text);
  if (typeof range === 'string') return { refusal: range };
  const isSingle = range.prefixBits === bitsOf(range.address);
  return { range: isSingle ? range.address.toString() : `${range.address.toString()}/${range.prefixBits}` };
};

/** True for an empty list. An unknown client address is in no list; a stored entry that cannot be read allows nothing. */
export const isIpAllowed = (ip: string | null, allowed: readonly string[]): boolean => {
  if (allowed.length === 0) return true;
  const client = ip === null ? null : addressOf(ip.split('%')[0] ?? '');
  if (client === null) return false;
  const { address } = unmapped({ address: client, prefixBits: bitsOf(client) });
  return allowed.some((entry) => {
    const range = parseRange(entry);
    if (typeof range === 'string' || range.address.kind() !== address.kind()) return false;
    return address.match(range.address as never, range.prefixBits);
  });
};

// The session cookie as better-auth writes it: `<token>.<HMAC-SHA256 of the token, base64>`, percent-encoded. Read here so
// that the door needs one statement per request, and so that a rotated secret goes on opening what it signed.
import { createHmac, timingSafeEqual } from 'node:crypto';

const MAC_BASE64_LENGTH = 44;

const macOf = (token: string, secret: string): Buffer => createHmac('sha256', secret).update(token).digest();

/** The token of a cookie that one of the secrets signed; null for everything else. */
export const openSessionCookie = (cookie: string, secrets: readonly string[]): string | null => {
  let value: string;
  try {
    value = decodeURIComponent(cookie);
  } catch {
    return null;
  }
  const dot = value.lastIndexOf('.');
  if (dot < 1 || value.length - dot - 1 !== MAC_BASE64_LENGTH) return null;
  const token = value.slice(0, dot);
  const mac = Buffer.from(value.slice(dot + 1), 'base64');
  const isSigned = secrets.some((secret) => {
    const expected = macOf(token, secret);
    return expected.length === mac.length && timingSafeEqual(expected, mac);
  });
  return isSigned ? token : null;
};

export const sealSessionCookie = (token: string, secret: string): string =>
  encodeURIComponent(`${token}.${macOf(token, secret).toString('base64')}`);

/** How long a browser keeps what it is given. */
export interface CookieLine {
  readonly name: string;
  readonly value: string;
  readonly secure: boolean;
  /** 0 takes the cookie away. */
  readonly maxAgeSeconds: number;
}

/** A Set-Cookie line that scripts and other sites cannot use. */
export const cookieLine = ({ name, value, secure, maxAgeSeconds }: CookieLine): string =>
  `${name}=${value}; Max-Age=${maxAgeSeconds}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

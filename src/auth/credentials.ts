// What a request brings to say who is asking, taken from the raw headers by http/ and judged by authenticate.ts. Nothing
// here is trusted yet; null means that the header did not come.

export interface Credentials {
  /** The whole `Authorization` header, scheme included. */
  readonly authorization: string | null;
  /** The whole `X-API-Key` header. */
  readonly xApiKey: string | null;
  /** The whole `Cookie` header. */
  readonly cookie: string | null;
  /** `X-Workspace-Id`: picks the workspace of a person who has several. A key has exactly one and ignores it. */
  readonly workspaceId: string | null;
  /** The client's address, proxies already judged; null when it is not known. */
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** What a page in a browser sent: a key that comes so is in a place where others can read it. */
  readonly isFromBrowser: boolean;
}

/** Where people sign in and out. */
export const AUTH_PATH = '/api/auth';
/** Tells better-auth the client's judged address; one that a client sends never reaches it. */
export const CLIENT_IP_HEADER = 'x-sallyport-client-ip';

/** Before the names of our cookies; over https with the prefix that a browser takes only Secure, for this host and path /. */
export const cookiePrefix = (secure: boolean): string => (secure ? '__Host-sallyport' : 'sallyport');

/** Name of the session cookie. */
export const SESSION_COOKIE = `${cookiePrefix(false)}.session_token`;
export const SECURE_SESSION_COOKIE = `${cookiePrefix(true)}.session_token`;

/**
 * The raw value of a session cookie, signed and still percent-encoded; null when there is none.
 * @param secureOnly where PUBLIC_URL is https, the plain name could have been planted by a network or a neighbour
 */
export const sessionCookieOf = (cookie: string | null, secureOnly = false): string | null => {
  for (const name of secureOnly ? [SECURE_SESSION_COOKIE] : [SECURE_SESSION_COOKIE, SESSION_COOKIE]) {
    const value = cookieNamed(cookie, name);
    if (value !== null) return value;
  }
  return null;
};

/** The raw value of the first cookie of this name; null when there is none. */
export const cookieNamed = (cookie: string | null, name: string): string | null => {
  for (const part of (cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
};

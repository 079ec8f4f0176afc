// The door's order of business: an API key, else a session cookie, else nobody. A credential that is there but bad is
// refused here, before the request is parsed; nothing ever falls through from a bad credential to a weaker one.

import type { Admission, Judge } from './admission.js';
import type { ApiKeyDoor, Expectation } from './api-key.js';
import { type Credentials, sessionCookieOf } from './credentials.js';
import type { KeyUse } from './key-usage.js';
import type { Principal } from './principal.js';
import { ambiguousCredentials, unauthenticated } from './refusals.js';
import type { SessionDoor } from './session.js';

export interface Doors {
  readonly apiKeys: ApiKeyDoor;
  readonly sessions: SessionDoor;
  /** Whether PUBLIC_URL is https: then only the cookie with the `__Host-` prefix is one. */
  readonly secureOnly: boolean;
  /** Counts a request of a key; written behind, so it costs the request nothing. */
  readonly countUse: (use: KeyUse) => void;
}

/** What a request may be taken for before its key is looked up; see `Expectation`. */
export interface Expectations {
  /** Null unless the request carries one key alone, and that key opened the door lately. */
  expect(credentials: Credentials): Expectation | null;
  /** The look-up has told the same facts: counts the request. */
  met(expectation: Expectation, credentials: Credentials): void;
  /** The look-up has told others, or nothing. */
  forget(expectation: Expectation): void;
}

export const openExpectations = ({ apiKeys, countUse }: Pick<Doors, 'apiKeys' | 'countUse'>): Expectations => ({
  expect(credentials) {
    const { authorization, xApiKey, cookie, ip } = credentials;
    if (cookie !== null || (authorization === null) === (xApiKey === null)) return null;
    const key = xApiKey ?? /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    return key === undefined ? null : apiKeys.expect(key, ip);
  },
  met: ({ admission }, credentials) => countAdmission(countUse, admission, credentials),
  forget: (expectation) => apiKeys.forget(expectation),
});

/** Null for an anonymous request; throws a CodedError for a credential that does not open the door. */
export type Authenticate = (credentials: Credentials) => Promise<Principal | null>;

export const openDoors = (doors: Doors): Authenticate => {
  const judge = openJudge(doors);
  return async (credentials) => {
    const admission = await judge(credentials);
    if (admission === null) return null;
    countAdmission(doors.countUse, admission, credentials);
    return admission.principal;
  };
};

function countAdmission(
  countUse: Doors['countUse'],
  { principal, secretId }: Admission,
  { ip, userAgent, isFromBrowser }: Credentials,
): void {
  const { workspaceId, apiKeyId: keyId } = principal;
  if (keyId !== null) countUse({ workspaceId, keyId, secretId, ip, userAgent, isFromBrowser });
}

/** The same judgement, without counting a request: for what goes on after its request was let in. */
export const openJudge =
  ({ apiKeys, sessions, secureOnly }: Omit<Doors, 'countUse'>): Judge =>
  async (credentials) => {
    const key = keyOf(credentials);
    const cookie = sessionCookieOf(credentials.cookie, secureOnly);
    if (key !== null && cookie !== null) throw ambiguousCredentials();
    if (key !== null) return apiKeys.judge(key, credentials.ip);
    return cookie === null ? null : sessions.judge(cookie, credentials.workspaceId);
  };

/** The one key of both headers; the same key in both is one credential. */
const keyOf = ({ authorization, xApiKey }: Credentials): string | null => {
  const bearer = authorization === null ? null : bearerOf(authorization);
  const header = xApiKey === null ? null : xApiKey.trim();
  if (bearer !== null && header !== null && bearer !== header) throw ambiguousCredentials();
  return bearer ?? header;
};

const bearerOf = (authorization: string): string => {
  const [, key] = /^bearer +(\S+)$/i.exec(authorization.trim()) ?? [];
  if (key === undefined) {
    throw unauthenticated('MALFORMED', 'The Authorization header must read "Bearer", a space and an API key.');
  }
  return key;
};

// The mutations of keys as a caller writes them, and a form of keys from elsewhere.
import { createHash, randomInt } from 'node:crypto';

const one = (mutation: string, input: string, selection: string) =>
  `mutation M($input: ${input}!) { ${mutation}(input: $input) { ${selection} effect { id status seal payload result } } }`;

const shown =
  'apiKey { id status name start keyPrefix scopes effectiveScopes expiresAt allowedIps spendCapCredits spendCapPeriod rpm rpd needsRescope rotationGraceUntil }';

export const asking = {
  create: one('createApiKey', 'CreateApiKeyInput', `${shown} key warnings`),
  rotate: one('rotateApiKey', 'RotateApiKeyInput', `${shown} key rotationGraceUntil`),
  update: one('updateApiKey', 'UpdateApiKeyInput', `${shown} warnings`),
  suspend: one('suspendApiKey', 'SuspendApiKeyInput', shown),
  resume: one('resumeApiKey', 'ResumeApiKeyInput', shown),
  revoke: one('revokeApiKey', 'RevokeApiKeyInput', shown),
  delete: one('deleteApiKey', 'DeleteApiKeyInput', 'deletedId'),
  import: one(
    'importApiKeys',
    'ImportApiKeysInput',
    'apiKeys { id start scopes needsRescope effectiveScopes } warnings',
  ),
  revokeSelf: 'mutation { revokeSelf { revokedId } }',
} as const;

export interface ShownKey {
  readonly id: string;
  readonly status: string;
  readonly start: string;
  readonly scopes: readonly string[];
  readonly effectiveScopes: readonly string[];
  readonly expiresAt: string | null;
  readonly needsRescope: boolean;
  readonly rotationGraceUntil: string | null;
}

export interface Held {
  readonly id: string;
  readonly status: string;
  readonly seal: string;
  readonly result: unknown;
}

export interface Made {
  readonly apiKey: ShownKey;
  readonly key: string;
  readonly warnings: readonly string[];
  readonly rotationGraceUntil: string | null;
  readonly effect: Held | null;
}

export const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A key as another server would have made it. */
export const foreignKey = (prefix: string, random = 32): string =>
  prefix + Array.from({ length: random }, () => base62[randomInt(62)]).join('');

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const formatOf = (key: string, prefix: string) => ({ prefix, length: key.length, alphabet: base62 });

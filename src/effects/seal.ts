// The seal names one request exactly: SHA-256 over the canonical JSON of everything a person approves. Approving names
// the seal that was seen, performing compares it again, so nothing can change between the look and the act.
import { createHash } from 'node:crypto';
import type { PrincipalKind } from '../auth/principal.js';
import { canonicalJson } from '../platform/canonical-json.js';

export interface Sealed {
  /** `noun.verb` of the effect. */
  readonly kind: string;
  /** All that the recipient or provider will see. */
  readonly payload: unknown;
  readonly workspaceId: string;
  readonly principal: { readonly kind: PrincipalKind; readonly id: string };
  /** Credits. */
  readonly price: number;
  /** Version of the price book that gave the price. */
  readonly priceBook: string;
  readonly rule: { readonly id: string; readonly version: number };
  /** True: it is captured and costs nothing. Part of what is sealed only then. */
  readonly isSandbox: boolean;
}

/** 64 hexadecimal characters. The order of members never matters; throws what `canonicalJson` throws. */
export const sealOf = ({
  kind,
  payload,
  workspaceId,
  principal,
  price,
  priceBook,
  rule,
  isSandbox,
}: Sealed): string => {
  if (payload === undefined) throw new TypeError('An effect without a payload cannot be sealed.');
  const sealed = canonicalJson({
    kind,
    payload,
    workspaceId,
    principal: { kind: principal.kind, id: principal.id },
    price,
    priceBook,
    rule: { id: rule.id, version: rule.version },
    ...(isSandbox ? { sandbox: true } : {}),
  });
  return createHash('sha256').update(sealed).digest('hex');
};

// What may be asked of a new key, judged before anything is written. Pure but for the facts it is given (the workspace's
// plan, the database's time), so the command line and the API refuse the same things in the same words.
import { expandScopes, grantScopes } from '../guard/scope-grants.js';
import { factsOf, type KeyKind, type Scope } from '../guard/scopes.js';
import { badInput } from '../platform/errors.js';
import { isId } from '../platform/ids.js';
import { readRange } from './ip-list.js';
import { DEFAULT_PLANS, type Plan, type Plans } from './plans.js';

export type SpendCapPeriod = 'LIFETIME' | 'DAY' | 'MONTH';

/** Left out and null mean the same: the default. */
export interface KeyRequest {
  readonly kind: KeyKind;
  readonly agentId?: string | null | undefined;
  readonly name: string;
  /** Either spelling; left out: the default of the kind. */
  readonly scopes?: readonly string[] | null | undefined;
  /** Addresses and CIDR blocks; empty: any. */
  readonly allowedIps?: readonly string[] | null | undefined;
  /** ISO 8601 with a time zone when it is text. */
  readonly expiresAt?: Date | string | null | undefined;
  readonly spendCapCredits?: number | null | undefined;
  /** LIFETIME unless said otherwise; refused without a cap. */
  readonly spendCapPeriod?: SpendCapPeriod | null | undefined;
  readonly rpm?: number | null | undefined;
  readonly rpd?: number | null | undefined;
}

/** What the database knows and a request must agree with. */
export interface KeyFactsAtHand {
  readonly plan: Plan;
  /** What the operator's plans allow; the default ones when left out. */
  readonly plans?: Plans | undefined;
  readonly now: Date;
  /** The workspace's policies; none holds when left out. */
  readonly keyLifeDaysMax?: number | null;
  readonly explicitSpendScopes?: boolean;
  readonly keysReadOnly?: boolean;
}

/** Ready to be stored, `agentId` still to be found in the workspace. */
export interface JudgedKey {
  readonly kind: KeyKind;
  readonly agentId: string | null;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly warnings: readonly string[];
  readonly allowedIps: readonly string[];
  readonly expiresAt: Date | null;
  readonly spendCapCredits: number | null;
  readonly spendCapPeriod: SpendCapPeriod | null;
  readonly rpm: number | null;
  readonly rpd: number | null;
}

const NAME_MAX = 100;
const RANGES_MAX = 100;
const INT_MAX = 2_147_483_647;
const DAY_MS = 86_400_000;
/** Past it the writer meant never, which has a spelling of its own. */
const LIFE_YEARS_MAX = 100;
const ZONED_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * @param prefix path of the request in the caller's arguments, for example `input.`
 * @throws BAD_USER_INPUT naming the field
 */
export function judgeKeyRequest(
  request: KeyRequest,
  facts: KeyFactsAtHand,
  prefix = '',
  audience: 'KEY' | 'IMPORT' = 'KEY',
): JudgedKey {
  const at = (field: string): string => `${prefix}${field}`;
  if (request.kind !== 'ACCOUNT' && request.kind !== 'AGENT') {
    throw badInput('The kind of a key is ACCOUNT or AGENT.', at('kind'));
  }
  const agentId = judgeAgent(request, at('agentId'));
  const most = (facts.plans ?? DEFAULT_PLANS)[facts.plan];
  const { scopes, warnings } = grantScopes({
    kind: request.kind,
    requested: request.scopes,
    field: at('scopes'),
    explicitSpendScopes: facts.explicitSpendScopes ?? false,
    audience,
  });
  const expiry = judgeExpiry(request.expiresAt ?? null, { ...facts, madeAt: facts.now }, at('expiresAt'));
  const held = expandScopes(scopes, { keyKind: request.kind, explicitSpendScopes: facts.explicitSpendScopes ?? false });
  return {
    kind: request.kind,
    agentId,
    name: requireName(request.name, at('name')),
    scopes,
    warnings: [...warnings, ...expiry.warnings, ...readOnlyWarnings(held, facts)],
    allowedIps: judgeRanges(request.allowedIps ?? [], at('allowedIps')),
    expiresAt: expiry.expiresAt,
    ...judgeCap(request, held, at),
    rpm: judgeLimit(request.rpm ?? null, most.rpm, facts.plan, at('rpm')),
    rpd: judgeLimit(request.rpd ?? null, most.rpd, facts.plan, at('rpd')),
  };
}

/** 1 to 100 characters, no control characters, blanks at the ends taken off. */
export const requireName = (text: string, field: string): string => {
  const name = text.trim();
  if (name === '' || [...name].length > NAME_MAX || /\p{Cc}|\p{Cs}/u.test(name)) {
    throw badInput(`${field} must have 1 to ${NAME_MAX} characters and no control characters.`, field);
  }
  return name;
};

const judgeAgent = ({ kind, agentId = null }: KeyRequest, field: string): string | null => {
  if (kind === 'ACCOUNT' && agentId !== null) {
    throw badInput('An account key belongs to no agent; leave the agent out or ask for an agent key.', field);
  }
  if (kind === 'AGENT' && agentId === null) throw badInput('An agent key needs the id of its agent.', field);
  if (agentId !== null && !isId(agentId, 'agt')) {
    throw badInput('This is not the id of an agent; such an id starts with agt_.', field);
  }
  return agentId;
};

export const judgeRanges = (ranges: readonly string[], field: string): readonly string[] => {
  if (ranges.length > RANGES_MAX) throw badInput(`At most ${RANGES_MAX} addresses may be listed.`, field);
  const canonical = ranges.map((text) => {
    const read = readRange(text);
    if ('refusal' in read) throw badInput(`${JSON.stringify(text.slice(0, 60))} ${read.refusal}.`, field);
    return read.range;
  });
  return [...new Set(canonical)];
};

const readOnlyWarnings = (held: ReadonlySet<Scope>, { keysReadOnly }: KeyFactsAtHand): readonly string[] => {
  const lost = keysReadOnly === true ? [...held].filter((scope) => !factsOf(scope).readOnly).sort() : [];
  return lost.length === 0
    ? []
    : [`This workspace lets keys read only: ${lost.join(', ')} will be refused until that is lifted`];
};

interface Life {
  readonly now: Date;
  readonly madeAt: Date;
  readonly keyLifeDaysMax?: number | null;
}

/** None asked for: the longest that the workspace allows. */
export const judgeExpiry = (
  asked: Date | string | null,
  { now, madeAt, keyLifeDaysMax = null }: Life,
  field: string,
): { readonly expiresAt: Date | null; readonly warnings: readonly string[] } => {
  const latest = keyLifeDaysMax === null ? null : new Date(madeAt.getTime() + keyLifeDaysMax * DAY_MS);
  if (asked === null) {
    if (latest === null) return { expiresAt: null, warnings: [] };
    return {
      expiresAt: latest,
      warnings: [
        `Keys of this workspace live ${keyLifeDaysMax} days at most: this one expires ${latest.toISOString()}`,
      ],
    };
  }
  const expiresAt = readExpiry(asked, now, field);
  if (latest !== null && expiresAt > latest) {
    throw badInput(
      `Keys of this workspace live ${keyLifeDaysMax} days at most; ask for ${latest.toISOString()} or earlier.`,
      field,
    );
  }
  return { expiresAt, warnings: [] };
};

const readExpiry = (expiresAt: Date | string, now: Date, field: string): Date => {
  if (typeof expiresAt === 'string' && !ZONED_TIME.test(expiresAt)) {
    throw badInput('The expiry must be an ISO 8601 time with a time zone, such as 2030-01-31T12:00:00Z.', field);
  }
  const time = new Date(expiresAt);
  if (Number.isNaN(time.getTime())) throw badInput('The expiry is not a time that exists.', field);
  if (time <= now) throw badInput('The expiry must be in the future.', field);
  if (time.getTime() > now.getTime() + LIFE_YEARS_MAX * 366 * DAY_MS) {
    throw badInput(`The expiry is more than ${LIFE_YEARS_MAX} years ahead; leave it out for a key without one.`, field);
  }
  return time;
};

/** @param held concrete scopes, under the workspace's policy on spending */
export const judgeCap = (
  {
    spendCapCredits: cap = null,
    spendCapPeriod: period = null,
  }: Pick<KeyRequest, 'spendCapCredits' | 'spendCapPeriod'>,
  held: ReadonlySet<Scope>,
  at: (field: string) => string,
): Pick<JudgedKey, 'spendCapCredits' | 'spendCapPeriod'> => {
  if (cap === null) {
    if (period !== null) throw badInput('A period needs a spend cap in credits.', at('spendCapPeriod'));
    return { spendCapCredits: null, spendCapPeriod: null };
  }
  if (!Number.isInteger(cap) || cap < 0 || cap > INT_MAX) {
    throw badInput(`The spend cap must be a whole number of credits from 0 to ${INT_MAX}.`, at('spendCapCredits'));
  }
  if (![...held].some((scope) => factsOf(scope).spends)) {
    throw badInput('This key holds no scope that spends; leave the spend cap out.', at('spendCapCredits'));
  }
  return { spendCapCredits: cap, spendCapPeriod: period ?? 'LIFETIME' };
};

export const judgeLimit = (limit: number | null, max: number, plan: Plan, field: string): number | null => {
  if (limit === null) return null;
  if (!Number.isInteger(limit) || limit < 1 || limit > max) {
    throw badInput(`${field} must be a whole number from 1 to ${max}, the limit of the plan ${plan}.`, field);
  }
  return limit;
};

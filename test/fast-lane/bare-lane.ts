// The read lane by itself, without a server around it.
import { parse } from 'graphql';
import { factsOfKey } from '../../src/auth/api-key.js';
import { DEFAULT_PLANS } from '../../src/auth/plans.js';
import { type Principal, principalOfKey } from '../../src/auth/principal.js';
import { openReadLane, type ReadLane } from '../../src/fast-lane/read-lane.js';
import type { Walls } from '../../src/guard/tenancy.js';
import { systemClock } from '../../src/platform/clock.js';
import { schema } from '../../src/schema.js';
import type { SeededWorkspace } from '../support/world.js';

export const bareLane = (walls: Walls = 'both'): ReadLane =>
  openReadLane({
    schema,
    walls,
    cursorSecrets: [Buffer.alloc(32, 7)],
    factsOfKey,
    plans: DEFAULT_PLANS,
    clock: systemClock,
  });

export const readerOf = (
  { organizationId, workspaceId }: Pick<SeededWorkspace, 'organizationId' | 'workspaceId'>,
  scopes: readonly string[],
): Principal =>
  principalOfKey({
    kind: 'ACCOUNT',
    keyId: 'key_01h455vb4pex5vsknk084sn02q',
    agentId: null,
    organizationId,
    workspaceId,
    plan: 'free',
    scopes,
    rpm: null,
    rpd: null,
  });

/** Null where it does not compile, or not for this reader. */
export const statementOf = (query: string, principal: Principal, variables: object = {}, walls: Walls = 'both') =>
  bareLane(walls)
    .compiledOf(parse(query), null)
    ?.statementFor({ principal, variables: variables as never, standing: null }) ?? null;

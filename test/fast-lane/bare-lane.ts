// The read lane by itself, without a server around it.
import { factsOfKey } from '../../src/auth/api-key.js';
import { DEFAULT_PLANS } from '../../src/auth/plans.js';
import { openReadLane, type ReadLane } from '../../src/fast-lane/read-lane.js';
import type { Walls } from '../../src/guard/tenancy.js';
import { systemClock } from '../../src/platform/clock.js';
import { schema } from '../../src/schema.js';

export const bareLane = (walls: Walls = 'both'): ReadLane =>
  openReadLane({
    schema,
    walls,
    cursorSecrets: [Buffer.alloc(32, 7)],
    factsOfKey,
    plans: DEFAULT_PLANS,
    clock: systemClock,
  });

// Tells two writes that came into each other's way from a defect: a row that another transaction took away or still needs, a
// deadlock, a snapshot that was overtaken. Nothing was written, and the same call may well succeed a moment later. Reads the
// shapes of Prisma, its driver adapters and pg without importing any of them.

// P2003: a foreign key; P2025: a row that is not there any more; P2034: a deadlock or a write conflict.
const PRISMA_CODES: ReadonlySet<string> = new Set(['P2003', 'P2025', 'P2034']);
/** Deadlock, and a snapshot that cannot be serialized: the whole transaction may be run again as it is. */
const REPEATABLE: ReadonlySet<string> = new Set(['40001', '40P01', 'P2034', 'TransactionWriteConflict']);
const POSTGRES_CODES: ReadonlySet<string> = new Set(['23503', '40001', '40P01']);
const ADAPTER_KINDS: ReadonlySet<string> = new Set(['ForeignKeyConstraintViolation', 'TransactionWriteConflict']);

const CHAIN_MAX = 8;
const TRIES_MAX = 3;

/** True when the error, or what caused it, says that somebody else's write came first. */
export const isLostRace = (error: unknown): boolean =>
  namesIn(error).some((name) => PRISMA_CODES.has(name) || POSTGRES_CODES.has(name) || ADAPTER_KINDS.has(name));

/** True when the transaction failed for no reason of its own, so that running it once more is all it takes. */
export const isRepeatable = (error: unknown): boolean => namesIn(error).some((name) => REPEATABLE.has(name));

const HELD = '55P03';

/** True when a lock was asked for without waiting, and somebody has it. */
export const isHeldByAnother = (error: unknown): boolean => namesIn(error).includes(HELD);

/**
 * Runs a whole transaction, and again where it was ended for no reason of its own; three times in all.
 * @param run begins and ends the transaction, and leaves nothing when it throws
 */
export async function runRepeatable<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (tries === TRIES_MAX || !isRepeatable(error)) throw error;
    }
  }
}

/** Every code and kind along the chain of causes. */
function namesIn(error: unknown): string[] {
  const names: string[] = [];
  let current = error;
  for (let depth = 0; depth < CHAIN_MAX && isRecord(current); depth += 1) {
    for (const name of [current.code, current.originalCode, current.kind]) {
      if (typeof name === 'string') names.push(name);
    }
    current = current.originalError ?? current.cause ?? (isRecord(current.meta) && current.meta.driverAdapterError);
  }
  return names;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

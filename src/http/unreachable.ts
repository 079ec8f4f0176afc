// Tells an outage of the database from a defect, so that callers learn to retry. Reads the shapes of Prisma, its driver
// adapters, pg and node:net without importing any of them.

const SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

// P1001, P1002: cannot be reached; P1008, P2024: timed out; P1017: connection closed; P2037: too many connections.
const PRISMA_CODES: ReadonlySet<string> = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037']);

// Too many connections, shutting down, crashed, starting up; class 08 is any failure of the connection.
const POSTGRES_CODES: ReadonlySet<string> = new Set(['53300', '57P01', '57P02', '57P03']);

const ADAPTER_KINDS: ReadonlySet<string> = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
]);

// pg gives these no code.
const PG_SENTENCES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection)/;

const CHAIN_MAX = 8;

/** True when the error, or what caused it, says that the database cannot be reached now. */
export function isDatabaseUnreachable(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < CHAIN_MAX && isRecord(current); depth += 1) {
    if (saysUnreachable(current)) return true;
    if (Array.isArray(current.errors) && current.errors.some((one) => isRecord(one) && saysUnreachable(one))) {
      return true;
    }
    current = current.originalError ?? current.cause;
  }
  return false;
}

function saysUnreachable(error: Readonly<Record<string, unknown>>): boolean {
  const code = error.code ?? error.errorCode;
  if (typeof code === 'string') {
    if (SOCKET_CODES.has(code) || PRISMA_CODES.has(code) || POSTGRES_CODES.has(code) || /^08[0-9A-Z]{3}$/.test(code)) {
      return true;
    }
  }
  if (typeof error.kind === 'string' && ADAPTER_KINDS.has(error.kind)) return true;
  return typeof error.message === 'string' && PG_SENTENCES.test(error.message);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

// What an error means to whoever runs a command: a code, one line, and the exit code. 2 when the command or the
// configuration is to be mended, 1 when what was asked for failed. A stack is for developers and is not shown.
import { CodedError, ConfigurationError, type ErrorCode } from '../platform/errors.js';

export interface Failure {
  readonly exitCode: 1 | 2;
  readonly code: string;
  /** One line. */
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What was typed in is at fault. */
const OF_THE_REQUEST: ReadonlySet<ErrorCode> = new Set([
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'QUERY_TOO_COMPLEX',
]);

export function failureOf(error: unknown): Failure {
  if (error instanceof ConfigurationError) {
    return { exitCode: 2, code: 'CONFIGURATION', message: oneLine(error.message), data: {} };
  }
  if (error instanceof CodedError) {
    const { code, message, data } = error;
    return { exitCode: OF_THE_REQUEST.has(code) ? 2 : 1, code, message: oneLine(withFlag(message, data)), data };
  }
  return { exitCode: 1, code: 'UNEXPECTED', message: `Unexpected: ${essence(error)}`, data: {} };
}

/** Where a field of the input is written on the command line. */
const flags: Readonly<Record<string, string>> = {
  workspaceId: '--workspace',
  agentId: '--agent',
  name: '--name',
  scopes: '--scopes',
  allowedIps: '--allowed-ips',
  expiresAt: '--expires-at',
  spendCapCredits: '--spend-cap',
  file: '<file>',
  operationName: '--operation',
  variables: '--variables',
  spendCapPeriod: '--spend-cap-period',
  rpm: '--rpm',
  rpd: '--rpd',
  graceSeconds: '--grace-seconds',
};

function withFlag(message: string, { field }: Readonly<Record<string, unknown>>): string {
  const flag = typeof field === 'string' ? flags[field] : undefined;
  return flag === undefined ? message : `${flag}: ${message}`;
}

const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]+\s*/g, ' ').trim();

/** Prisma tells the call first and the cause last; everyone else the cause first. */
function essence(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const lines = error.message.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  return (error.name.startsWith('PrismaClient') ? lines.at(-1) : lines[0])?.trim() ?? error.name;
}

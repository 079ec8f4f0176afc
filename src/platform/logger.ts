// One line of JSON per event; in a terminal the same, made readable. Every finished line passes the scrubber, so that a
// secret does not get out by any way in: message, object, binding, error, stack.
import { createRequire } from 'node:module';
import pino, { type DestinationStream, type Logger } from 'pino';
import { createScrubber, type SecretPatterns } from './scrub.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level?: string;
  /** What secrets look like, for example the pattern of API keys. */
  readonly secretPatterns: SecretPatterns;
  /** Where the lines go; left out: standard output, made readable when that is a terminal. */
  readonly destination?: DestinationStream;
  /** Stand in every line. */
  readonly bindings?: Readonly<Record<string, unknown>>;
}

export const createLogger = ({ level = 'info', secretPatterns, destination, bindings = {} }: LoggerOptions): Logger => {
  const scrubber = createScrubber(secretPatterns);
  return pino(
    {
      level,
      base: { ...bindings },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: scrubber.jsonLine },
    },
    destination ?? logOutput(process.stdout),
  );
};

/** One of the process's own streams: made readable when it is a terminal. */
export const logOutput = (stream: NodeJS.WriteStream & { readonly fd: 1 | 2 }): DestinationStream =>
  stream.isTTY ? prettyOutput(stream.fd) : pino.destination(stream.fd);

// Loaded when a person is looking, and not otherwise. It finds out by itself whether colours are wanted.
const prettyOutput = (destination: 1 | 2): DestinationStream => {
  const pretty: (options: object) => DestinationStream = createRequire(import.meta.url)('pino-pretty');
  return pretty({ translateTime: 'SYS:HH:MM:ss', sync: true, destination });
};

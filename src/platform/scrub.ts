// Takes secrets out of what is about to be written down. Two ways at once: texts that look like a secret wherever they
// stand, and values that stand where secrets stand (a header, a password), whatever they look like. When in doubt it
// takes too much.

export const SCRUBBED = '[scrubbed]';

export interface Scrubber {
  text(text: string): string;
  /** One line of JSON, kept one line of JSON. Lines without anything suspicious come back as they are. */
  jsonLine(line: string): string;
}

/** Without case, hyphens and underscores. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'cookies',
  'setcookie',
  'xapikey',
  'password',
  'secret',
  'clientsecret',
  'token',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'sessiontoken',
]);

const WEBHOOK_SECRET = /whsec_[A-Za-z0-9+/=_-]+/g;
const BEARER = /\b(bearer)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
// To the end of the line, since a cookie header holds blanks, commas and quotes of its own.
const HEADER =
  /((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|["'](?:[a-z]+[-_]?)?(?:password|secret|token))([\\"']*\s*[:=]\s*|[\\"']+\s*,\s*)[^\r\n]+/gi;
const PARAMETER = /((?:password|secret|token)=["']?)[^\s&"'\\,;}]+/gi;
const URL_PASSWORD = /\b([a-z][a-z0-9+.-]{1,15}:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,256}@/gi;
const SUSPICIOUS =
  /whsec_|authorization|cookie|api[-_]?key|bearer|password|secret|token|:\/\/[^\s/:@"]{0,256}:[^\s/"]{1,256}@/i;

/** Flags do not matter. A function where the list may grow: it gives the same list as long as it has not. */
export type SecretPatterns = readonly RegExp[] | (() => readonly RegExp[]);

interface Compiled {
  readonly of: readonly RegExp[];
  readonly secrets: readonly RegExp[];
  readonly tests: readonly RegExp[];
}

const compile = (patterns: readonly RegExp[]): Compiled => ({
  of: patterns,
  secrets: [...patterns.map((pattern) => withFlags(pattern, 'g')), WEBHOOK_SECRET],
  tests: [...patterns.map((pattern) => withFlags(pattern, '')), SUSPICIOUS],
});

/** `patterns` are what keys look like. */
export const createScrubber = (patterns: SecretPatterns): Scrubber => {
  const now = (): readonly RegExp[] => (typeof patterns === 'function' ? patterns() : patterns);
  let compiled = compile(now());
  const current = (): Compiled => {
    const list = now();
    if (list !== compiled.of) compiled = compile(list);
    return compiled;
  };

  const text = (given: string): string => {
    if (given.startsWith('{') || given.startsWith('[')) return json(given) ?? prose(given);
    return prose(given);
  };

  const prose = (given: string): string =>
    current()
      .secrets.reduce((rest, pattern) => rest.replace(pattern, SCRUBBED), given)
      .replace(HEADER, `$1$2${SCRUBBED}`)
      .replace(BEARER, `$1 ${SCRUBBED}`)
      .replace(PARAMETER, `$1${SCRUBBED}`)
      .replace(URL_PASSWORD, `$1${SCRUBBED}@`);

  /** Null when it is not JSON, or nested too deep to walk. */
  const json = (given: string): string | null => {
    try {
      return JSON.stringify(value(JSON.parse(given)));
    } catch {
      return null;
    }
  };

  const value = (given: unknown): unknown => {
    if (typeof given === 'string') return text(given);
    if (Array.isArray(given))
      return given.map((item, index) => (isSecretName(given[index - 1]) ? SCRUBBED : value(item)));
    if (typeof given !== 'object' || given === null) return given;
    return Object.fromEntries(
      Object.entries(given).map(([name, member]) => [
        text(name),
        isSecretName(name) && member !== null ? SCRUBBED : value(member),
      ]),
    );
  };

  return {
    text,
    jsonLine: (line) => {
      if (!current().tests.some((pattern) => pattern.test(line))) return line;
      const scrubbed = json(line);
      // A line that cannot be read is given up whole: nothing of it is worth a leak.
      return `${scrubbed ?? JSON.stringify({ level: 50, msg: `${SCRUBBED} a line that could not be read` })}\n`;
    },
  };
};

/** A member's name, or what stands before a value: raw headers come as a flat list of names and values. */
const isSecretName = (name: unknown): boolean =>
  typeof name === 'string' && name.length < 40 && SECRET_NAMES.has(name.toLowerCase().replaceAll(/[-_]/g, ''));

const withFlags = (pattern: RegExp, extra: string): RegExp =>
  new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '') + extra);

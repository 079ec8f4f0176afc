// Times and free JSON on the wire. A time without a zone is refused: it would mean another moment on another machine.
import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql';

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|[+-]([01]\d|2[0-3]):([0-5]\d))$/;

/** The moment, or null when the text is not ISO 8601 with a zone or names a day or hour that does not exist. */
export const parseTime = (text: string): Date | null => {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  if (year === undefined || month === undefined || day === undefined) return null;
  const calendar = new Date(Date.UTC(year, month - 1, day));
  const isDay = calendar.getUTCMonth() === month - 1 && calendar.getUTCDate() === day;
  const isTime = (hour ?? 0) < 24 && (minute ?? 0) < 60 && (second ?? 0) < 60;
  return isDay && isTime && year > 0 ? new Date(text) : null;
};

const readTime = (value: unknown): Date => {
  const time = typeof value === 'string' ? parseTime(value) : null;
  if (time === null) {
    throw new GraphQLError('A DateTime is ISO 8601 with a time zone, for example "2026-01-31T09:30:00Z".');
  }
  return time;
};

export const DateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'A moment in ISO 8601 with a time zone; answers are in UTC.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => {
    const time = value instanceof Date ? value : typeof value === 'string' ? parseTime(value) : null;
    if (time === null || Number.isNaN(time.getTime())) throw new Error('Not a time.');
    return time.toISOString();
  },
  parseValue: readTime,
  parseLiteral: (node) => readTime(node.kind === Kind.STRING ? node.value : null),
});

export const JsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
});

export const ScopeScalar = new GraphQLScalarType<string, string>({
  name: 'Scope',
  description: 'What a credential may do: `resource:action`, or `agent:resource:action` for agent keys.',
});

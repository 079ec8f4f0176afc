// Which of our three media types an answer has. Decided before the operation runs, so that nothing happens for a caller
// who could not read the answer; Yoga's own negotiation then comes to the same result.
import { CodedError } from '../platform/errors.js';

export type MediaType = 'application/graphql-response+json' | 'application/json' | 'text/event-stream';

/** Null: the caller accepts nothing that we write. A missing header means `application/json`. */
export function negotiate(accept: string | undefined): MediaType | null {
  const asked = (accept ?? '*/*')
    .toLowerCase()
    .split(',')
    .map((part) => part.split(';'))
    .filter(isUtf8);
  for (const [type] of asked) {
    const name = type?.trim();
    if (name === 'application/graphql-response+json') return name;
    if (name === 'application/json' || name === 'application/*' || name === '*/*') return 'application/json';
  }
  return asked.some(([type]) => type?.trim() === 'text/event-stream') ? 'text/event-stream' : null;
}

/** True when the answer may be a stream of events. */
export const acceptsEvents = (accept: string | undefined): boolean =>
  accept === undefined || /text\/(event-stream|\*)|\*\/\*/i.test(accept);

const isUtf8 = ([, ...parameters]: readonly string[]): boolean => {
  const charset = parameters.find((parameter) => parameter.includes('charset='));
  return charset === undefined || /charset="?utf-8"?\s*$/.test(charset);
};

export function notAcceptable(): never {
  throw new CodedError(
    'BAD_USER_INPUT',
    'Accept application/graphql-response+json or application/json; for a subscription text/event-stream.',
    { reason: 'NOT_ACCEPTABLE' },
  );
}

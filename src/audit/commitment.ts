// A personal value is not written into a trail that nobody may change, but a promise about it is: whoever knows the value
// can show that it was this one. Each has a salt of its own, so equal values do not look alike across entries.
import { createHmac, randomBytes } from 'node:crypto';

export interface Commitment {
  /** `hmac-sha256:` and 64 hexadecimal characters. */
  readonly commitment: string;
  /**
   * 32 hexadecimal characters. Stands beside the digest but outside the hash chain: forgetting a person later means
   * dropping the salt, after which the digest can be opened by nobody, and the chain still verifies.
   */
  readonly salt: string | null;
}

export const commit = (value: string, salt: string = randomBytes(16).toString('hex')): Commitment => ({
  commitment: `hmac-sha256:${createHmac('sha256', Buffer.from(salt, 'hex')).update(value).digest('hex')}`,
  salt,
});

/** Whether the promise was about this value. False once the salt is gone. */
export const opens = (promise: Commitment, value: string): boolean =>
  promise.salt !== null && commit(value, promise.salt).commitment === promise.commitment;

export const isCommitment = (value: unknown): value is Commitment =>
  typeof value === 'object' && value !== null && 'commitment' in value && 'salt' in value;

// Reads a request's body into memory, never more than the caller allows, whatever Content-Length claims.
import type { IncomingMessage } from 'node:http';
import { CodedError } from '../platform/errors.js';

/** 1 MiB: the largest operation we accept is a fraction of that; files go another way. */
export const BODY_BYTES_MAX = 1_048_576;

const tooLarge = (bytesMax: number): CodedError =>
  new CodedError(
    'BAD_USER_INPUT',
    `The request body is larger than ${bytesMax} bytes. Send less at once, or upload files and refer to them.`,
    { reason: 'PAYLOAD_TOO_LARGE', bytesMax },
  );

/** Throws BAD_USER_INPUT (413) as soon as the limit is passed; the rest is discarded unread. */
export function readBody(req: IncomingMessage, bytesMax: number = BODY_BYTES_MAX): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > bytesMax) {
    req.resume();
    return Promise.reject(tooLarge(bytesMax));
  }
  if (req.destroyed) return Promise.reject(interrupted());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= bytesMax) {
        chunks.push(chunk);
        return;
      }
      req.off('data', take);
      req.resume();
      reject(tooLarge(bytesMax));
    };
    req.on('data', take);
    req.once('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    const stop = (): void => {
      if (!req.complete) reject(interrupted());
    };
    req.once('error', stop);
    req.once('close', stop);
  });
}

const interrupted = (): CodedError =>
  new CodedError('BAD_USER_INPUT', 'The request ended before its body did.', { reason: 'INCOMPLETE_BODY' });

// What would have left, as a file under DATA_DIR/outbox: nothing is pretended to be sent, and the result says so. The file
// is named by the effect and written once, so a repeat changes nothing.
import { randomBytes } from 'node:crypto';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { composeMail } from '../compose-mail.js';
import { ConnectorError, type MessageConnector, type ModelConnector } from '../connector.js';

const folder = 'outbox';

/** E-mail as `.eml`, anything else as `.json`. */
export const captureConnector = (dataDir: string): MessageConnector => ({
  name: 'capture',
  takesIdempotencyKey: true,
  async send(message, { idempotencyKey }) {
    if (message.channel !== 'EMAIL') {
      const file = await writeOnce(dataDir, `${idempotencyKey}.json`, asText(message));
      return { captured: true, file, messageId: null, response: null };
    }
    const mail = await composeMail(message, idempotencyKey);
    const file = await writeOnce(dataDir, `${idempotencyKey}.eml`, mail.bytes);
    return { captured: true, file, messageId: mail.messageId, response: null };
  },
});

export const captureModelConnector = (dataDir: string): ModelConnector => ({
  name: 'capture-model',
  takesIdempotencyKey: true,
  async send(request, { idempotencyKey }) {
    const file = await writeOnce(dataDir, `${idempotencyKey}.json`, asText(request));
    return { captured: true, file, text: null, model: request.model, finishReason: null };
  },
});

/** Removes what was captured under these keys; what is not there does not matter. */
export async function forgetCaptured(dataDir: string, keys: readonly string[]): Promise<void> {
  const names = keys.flatMap((key) => [`${key}.eml`, `${key}.json`]);
  for (const name of names) await rm(join(dataDir, folder, name), { force: true });
}

const asText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** @returns the file's name relative to `dataDir` */
async function writeOnce(dataDir: string, name: string, content: Buffer | string): Promise<string> {
  if (!/^[0-9A-Za-z._-]+$/.test(name))
    throw new ConnectorError('refused', 'The name of the effect is no name of a file.');
  const draft = join(dataDir, folder, `.${name}.${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(join(dataDir, folder), { recursive: true, mode: 0o700 });
    await writeFile(draft, content, { mode: 0o600, flag: 'wx' });
    await link(draft, join(dataDir, folder, name)).catch(unlessExists);
  } catch (cause) {
    throw new ConnectorError(
      'not-sent',
      'The message could not be written to the outbox; is the data folder writable?',
      { cause },
    );
  } finally {
    // A draft that stays behind is no reason to doubt what happened.
    await rm(draft, { force: true }).catch(() => {});
  }
  return `${folder}/${name}`;
}

const unlessExists = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EEXIST') throw error;
};

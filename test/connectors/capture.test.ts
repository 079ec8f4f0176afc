import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageToSend } from '../../src/connectors/connector.js';
import { openConnectors } from '../../src/connectors/registry.js';

const message: MessageToSend = {
  channel: 'EMAIL',
  from: { address: 'agent@acme.example', name: 'Ada' },
  to: { address: 'bob@example.com', name: 'Bob' },
  subject: 'Hello',
  body: 'First.',
};
const options = { idempotencyKey: 'eff_01h2xcejqtf2nbrexx3vqjhp41' };

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sallyport-capture-'));
});
afterEach(async () => {
  await chmod(dataDir, 0o700);
  await rm(dataDir, { recursive: true });
});

describe('without a provider', () => {
  it('writes the e-mail that would have left, once', async () => {
    const connectors = openConnectors({ dataDir, smtp: null, model: null });
    const first = await connectors.for('EMAIL').send(message, options);
    expect(first).toEqual({
      captured: true,
      file: `outbox/${options.idempotencyKey}.eml`,
      messageId: `<${options.idempotencyKey}@acme.example>`,
      response: null,
    });
    expect(await connectors.for('EMAIL').send({ ...message, body: 'Second.' }, options)).toEqual(first);
    const text = await readFile(join(dataDir, first.file ?? ''), 'utf8');
    expect(text).toMatch(/^From: Ada <agent@acme\.example>\r\nTo: Bob <bob@example\.com>\r\nSubject: Hello\r\n/);
    expect(text).toContain('First.');
    expect(await readdir(join(dataDir, 'outbox'))).toHaveLength(1);
  });

  it('writes anything else as JSON and invents no answer', async () => {
    const connectors = openConnectors({ dataDir, smtp: null, model: null });
    const asked = await connectors.model.send({ model: null, messages: [{ role: 'user', content: 'Hi' }] }, options);
    expect(asked).toMatchObject({ captured: true, text: null, file: `outbox/${options.idempotencyKey}.json` });
    const texted = await connectors.for('SMS').send({ ...message, channel: 'SMS' }, { idempotencyKey: 'eff_2' });
    expect(JSON.parse(await readFile(join(dataDir, texted.file ?? ''), 'utf8'))).toMatchObject({ body: 'First.' });
  });

  it('knows that nothing happened when the file cannot be written, and names no path', async () => {
    await writeFile(join(dataDir, 'outbox'), 'in the way');
    const connectors = openConnectors({ dataDir, smtp: null, model: null });
    const refused = connectors.for('EMAIL').send(message, options);
    await expect(refused).rejects.toMatchObject({ outcome: 'not-sent' });
    await expect(refused).rejects.not.toThrow(dataDir);
  });

  it('repeats a lost attempt only where a repeat is known to act once', () => {
    const captured = openConnectors({ dataDir, smtp: null, model: null });
    expect(captured.takesIdempotencyKey(captured.for('EMAIL').name)).toBe(true);
    const real = openConnectors({
      dataDir,
      smtp: { url: 'smtp://127.0.0.1:1', from: null },
      model: { url: 'http://127.0.0.1:1', name: 'small', apiKey: null },
    });
    expect(real.takesIdempotencyKey(real.for('EMAIL').name)).toBe(false);
    expect(real.takesIdempotencyKey(real.model.name)).toBe(false);
    expect(real.takesIdempotencyKey('unknown')).toBe(false);
  });
});

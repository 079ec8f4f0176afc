import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorError, type MessageToSend } from '../../src/connectors/connector.js';
import { smtpConnector } from '../../src/connectors/smtp/smtp.js';
import { type FakeSmtp, type SmtpBehaviour, startFakeSmtp } from '../support/fake-smtp.js';

const message: MessageToSend = {
  channel: 'EMAIL',
  from: { address: 'agent@acme.example', name: 'Ada of Acme' },
  to: { address: 'bob@example.com', name: null },
  subject: 'Grüße, Bob',
  body: 'Hello Bob,\n.\nthis line followed a lone dot.\n',
};
const idempotencyKey = 'eff_01h2xcejqtf2nbrexx3vqjhp41';

let smtp: FakeSmtp;
beforeAll(async () => {
  smtp = await startFakeSmtp();
});
afterAll(() => smtp.close());
beforeEach(() => {
  smtp.received.length = 0;
  smtp.behave('accept');
});

const send = (change: Partial<MessageToSend> = {}, from: string | null = null) =>
  smtpConnector({ url: smtp.url, from }).send({ ...message, ...change }, { idempotencyKey });
const failure = async (run: () => Promise<unknown>): Promise<ConnectorError> => {
  const error = await run().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectorError)) throw new Error(`not a ConnectorError: ${error}`);
  return error;
};

describe('the SMTP connector', () => {
  it('hands the message over with a Message-ID made from the effect', async () => {
    const sent = await send();
    expect(sent).toMatchObject({ captured: false, file: null, messageId: `<${idempotencyKey}@acme.example>` });
    expect(sent.response).toMatch(/^250 /);
    const [mail] = smtp.received;
    expect(mail).toMatchObject({ from: 'agent@acme.example', to: ['bob@example.com'] });
    expect(mail?.text).toContain(`Message-ID: <${idempotencyKey}@acme.example>`);
    expect(mail?.text).toContain('From: Ada of Acme <agent@acme.example>');
    expect(mail?.text).toContain('To: bob@example.com');
    expect(mail?.text).toContain('Hello Bob,\r\n.\r\nthis line followed a lone dot.');
  });

  it('names the configured sender in the envelope, where bounces go, and the inbox in the message', async () => {
    await send({}, 'bounces@acme.example');
    expect(smtp.received[0]?.from).toBe('bounces@acme.example');
    expect(smtp.received[0]?.text).toContain('From: Ada of Acme <agent@acme.example>');
  });

  it.each<[string, SmtpBehaviour, string]>([
    ['a sender put off', { at: 'MAIL', code: 451 }, 'not-sent'],
    ['a recipient put off', { at: 'RCPT', code: 450 }, 'not-sent'],
    ['a message put off after its last byte', { at: 'DATA', code: 452 }, 'not-sent'],
    ['a sender refused', { at: 'MAIL', code: 550 }, 'refused'],
    ['a recipient refused', { at: 'RCPT', code: 550 }, 'refused'],
    ['a message refused', { at: 'DATA', code: 554 }, 'refused'],
    ['a connection lost before the greeting', 'drop-at-greeting', 'not-sent'],
    ['a connection lost after the message', 'drop-after-data', 'unknown'],
  ])('knows what became of %s', async (_, behaviour, outcome) => {
    smtp.behave(behaviour);
    expect((await failure(() => send())).outcome).toBe(outcome);
  });

  it('does not know when the answer never comes', async () => {
    smtp.behave('hang-after-data');
    const aborted = new AbortController();
    const sending = failure(() =>
      smtpConnector({ url: smtp.url, from: null }).send(message, { idempotencyKey, signal: aborted.signal }),
    );
    while (smtp.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    aborted.abort();
    expect((await sending).outcome).toBe('unknown');
  });

  it('knows that nothing was sent when nobody listens, and does not name the host', async () => {
    const error = await failure(() =>
      smtpConnector({ url: 'smtp://127.0.0.1:1', from: null }).send(message, { idempotencyKey }),
    );
    expect(error.outcome).toBe('not-sent');
    expect(error.message).not.toContain('127.0.0.1');
  });

  it.each<[string, Partial<MessageToSend>]>([
    ['a subject', { subject: 'Hi\r\nBcc: eve@example.com' }],
    ['a name', { to: { address: 'bob@example.com', name: 'Bob\nBcc: eve@example.com' } }],
    ['an address', { to: { address: 'bob@example.com\r\nRCPT TO:<eve@example.com>', name: null } }],
    ['a list of addresses', { to: { address: 'bob@example.com, eve@example.com', name: null } }],
  ])('refuses %s that would add a header or a recipient', async (_, change) => {
    expect((await failure(() => send(change))).outcome).toBe('refused');
    expect(smtp.received).toEqual([]);
  });
});

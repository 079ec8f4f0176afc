// The bytes of an e-mail (RFC 5322), the same whether they go out by SMTP or into a file: what was captured is what would
// have been sent. Names and subjects are encoded; a line break in a header, which would let its writer add headers, is
// refused rather than cleaned away.
import { createHash } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';
import { ConnectorError, type Mailbox, type MessageToSend } from './connector.js';

export interface ComposedMail {
  readonly bytes: Buffer;
  /** With its angle brackets. The same at every attempt, so that a receiver can tell a repeat. */
  readonly messageId: string;
}

/** @throws ConnectorError `refused` for addresses and headers that no e-mail can carry */
export async function composeMail(message: MessageToSend, idempotencyKey: string): Promise<ComposedMail> {
  requireOneLine('subject', message.subject ?? '');
  requireAddress(message.from);
  requireAddress(message.to);
  const domain = message.from.address.slice(message.from.address.lastIndexOf('@') + 1);
  const messageId = `<${localPart(idempotencyKey)}@${domain}>`;
  const composer = new MailComposer({
    messageId,
    from: mailbox(message.from),
    to: mailbox(message.to),
    subject: message.subject ?? '',
    text: message.body,
    newline: '\r\n',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return { bytes: await composer.compile().build(), messageId };
}

const mailbox = ({ address, name }: Mailbox) => ({ address, name: name ?? '' });

function requireAddress({ address, name }: Mailbox): void {
  requireOneLine('name', name ?? '');
  if (!/^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/.test(address)) {
    throw new ConnectorError('refused', 'The sender or the recipient is not an e-mail address.');
  }
}

function requireOneLine(what: string, text: string): void {
  if (['\r', '\n', '\0'].some((character) => text.includes(character)))
    throw new ConnectorError('refused', `The ${what} holds a line break.`);
}

const localPart = (key: string): string =>
  /^[0-9A-Za-z._-]{1,64}$/.test(key) ? key : createHash('sha256').update(key).digest('hex');

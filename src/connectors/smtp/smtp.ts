// Hands an e-mail over by SMTP (RFC 5321), one connection per message, and knows afterwards which of three things is true:
// nothing was sent, the server refused, or nobody can tell. The line between the first and the last is the moment the
// message's bytes are asked for, which happens only once the server has answered DATA.
import { Readable } from 'node:stream';
import type { NodemailerError, SMTPConnectionOptions } from 'nodemailer';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { composeMail } from '../compose-mail.js';
import { ConnectorError, type MessageConnector, type SendOptions } from '../connector.js';

export interface SmtpOptions {
  /** `smtp://user:password@host:port`, `smtps://…`. */
  readonly url: string;
  /** The envelope's sender, to which bounces go; null: the message's own sender. */
  readonly from: string | null;
}

const timeouts = { connectionTimeout: 15_000, greetingTimeout: 15_000, dnsTimeout: 10_000, socketTimeout: 45_000 };

export const smtpConnector = ({ url, from }: SmtpOptions): MessageConnector => ({
  name: 'smtp',
  // A server may deliver one Message-ID twice, so a repeat is never safe.
  takesIdempotencyKey: false,
  async send(message, options) {
    const mail = await composeMail(message, options.idempotencyKey);
    const envelope = { from: from ?? message.from.address, to: [message.to.address], size: mail.bytes.length };
    const response = await deliver(parseConnectionUrl(url), envelope, mail.bytes, options);
    return { captured: false, file: null, messageId: mail.messageId, response: firstLine(response) };
  },
});

interface Envelope {
  readonly from: string;
  readonly to: string[];
  readonly size: number;
}

type ServerOptions = ReturnType<typeof parseConnectionUrl>;

function deliver(server: ServerOptions, envelope: Envelope, bytes: Buffer, { signal }: SendOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = new SMTPConnection({ ...timeouts, ...server, logger: false } as SMTPConnectionOptions);
    let hasBegun = false;
    const message = new Readable({
      read() {
        hasBegun = true;
        this.push(bytes);
        this.push(null);
      },
    });
    const fail = (error: NodemailerError) => {
      reject(smtpFailure(error, hasBegun));
      connection.close();
    };
    const send = () =>
      connection.send(envelope, message, (error, sent) => {
        if (error) return fail(error);
        resolve(sent?.response ?? '');
        connection.quit();
      });
    signal?.addEventListener('abort', () => fail(new Error('Aborted')), { once: true });
    connection.on('error', fail);
    connection.connect((error) => {
      if (error) return fail(error);
      const { auth } = server;
      if (auth === undefined || !connection.allowsAuth) return send();
      connection.login({ ...auth } as Parameters<typeof connection.login>[0], (refused) =>
        refused ? fail(refused) : send(),
      );
    });
  });
}

/** Pure. A reply of the server is its word; without one it depends on whether the message had begun. */
export function smtpFailure(error: NodemailerError, hasBegun: boolean): ConnectorError {
  const { responseCode: reply, code } = error;
  const cause = error;
  if (code === 'EAUTH' || code === 'ENOAUTH') {
    return new ConnectorError('not-sent', 'The mail server did not accept the configured account.', { cause });
  }
  if (reply !== undefined && reply >= 500 && reply !== 503) {
    return new ConnectorError(
      'refused',
      `The mail server refused the message: ${firstLine(error.response ?? String(reply))}`,
      { cause },
    );
  }
  if (reply !== undefined) {
    return new ConnectorError(
      'not-sent',
      `The mail server put the message off: ${firstLine(error.response ?? String(reply))}`,
      { cause },
    );
  }
  if (code === 'EENVELOPE' || code === 'EMESSAGE') {
    return new ConnectorError('refused', 'The message cannot be handed to this mail server.', { cause });
  }
  return hasBegun
    ? new ConnectorError('unknown', 'The connection to the mail server was lost while the message was on its way.', {
        cause,
      })
    : new ConnectorError('not-sent', 'The mail server could not be reached.', { cause });
}

const firstLine = (text: string): string => (text.split(/[\r\n]/, 1)[0] ?? '').slice(0, 200);

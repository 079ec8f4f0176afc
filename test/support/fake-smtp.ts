// A mail server on loopback that speaks the real protocol and can be told how to behave.
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export type SmtpBehaviour =
  | 'accept'
  /** 4xx or 5xx at that command. */
  | { readonly at: 'MAIL' | 'RCPT' | 'DATA'; readonly code: number }
  /** Takes the whole message and drops the connection instead of answering. */
  | 'drop-after-data'
  /** Takes the message and never answers. */
  | 'hang-after-data'
  | 'drop-at-greeting';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

export interface FakeSmtp {
  readonly url: string;
  /** Messages whose last byte arrived, whatever was answered. */
  readonly received: ReceivedMail[];
  behave(behaviour: SmtpBehaviour): void;
  /** Called with each message before it is answered, which is then put off by as many milliseconds. */
  whenReceived(hook: ((mail: ReceivedMail) => number) | null): void;
  close(): Promise<void>;
}

export async function startFakeSmtp(): Promise<FakeSmtp> {
  const received: ReceivedMail[] = [];
  let behaviour: SmtpBehaviour = 'accept';
  let hook: ((mail: ReceivedMail) => number) | null = null;
  const refusalAt = (at: 'MAIL' | 'RCPT' | 'DATA'): Error | null =>
    typeof behaviour === 'object' && behaviour.at === at
      ? Object.assign(new Error('told to refuse'), { responseCode: behaviour.code })
      : null;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect(session, callback) {
      if (behaviour === 'drop-at-greeting') dropConnection(server, session.id);
      else callback();
    },
    onMailFrom: (_address, _session, callback) => callback(refusalAt('MAIL')),
    onRcptTo: (_address, _session, callback) => callback(refusalAt('RCPT')),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const mail = {
          from: mailFrom === false ? '' : (mailFrom?.address ?? ''),
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
        };
        received.push(mail);
        const waitMs = hook?.(mail) ?? 0;
        if (behaviour === 'hang-after-data') return;
        if (behaviour === 'drop-after-data') dropConnection(server, session.id);
        else if (waitMs === 0) callback(refusalAt('DATA'));
        else setTimeout(() => callback(refusalAt('DATA')), waitMs);
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    behave(next) {
      behaviour = next;
    },
    whenReceived(next) {
      hook = next;
    },
    close: () =>
      new Promise((resolve) => {
        for (const { id } of [...server.connections]) dropConnection(server, id);
        server.close(() => resolve());
      }),
  };
}

interface Session {
  readonly id: string;
  readonly _socket: { destroy(): void };
}

function dropConnection(server: SMTPServer, id: string): void {
  for (const connection of server.connections as unknown as Set<Session>) {
    if (connection.id === id) connection._socket.destroy();
  }
}

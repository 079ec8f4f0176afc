// The contract with the world outside. Effects know only this file: what can be handed over, and what is known when a
// hand-over goes wrong. The folders beside it speak SMTP, HTTP or write a file; only app.ts chooses among them.

export type MessageChannel = 'EMAIL' | 'SMS' | 'CHAT' | 'VOICE';

export interface Mailbox {
  readonly address: string;
  readonly name: string | null;
}

/** One message to one recipient: exactly what was sealed. */
export interface MessageToSend {
  readonly channel: MessageChannel;
  readonly from: Mailbox;
  readonly to: Mailbox;
  readonly subject: string | null;
  readonly body: string;
}

export interface MessageSent {
  /** True when nothing left: no provider is configured, and the message lies in a file under DATA_DIR. */
  readonly captured: boolean;
  /** Relative to DATA_DIR; null unless captured. */
  readonly file: string | null;
  /** The provider's or our name for the message; for e-mail its Message-ID. */
  readonly messageId: string | null;
  /** The provider's last word, cut to a line; null when captured. */
  readonly response: string | null;
}

export interface ModelTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ModelRequest {
  /** Null: the configured one. */
  readonly model: string | null;
  readonly messages: readonly ModelTurn[];
}

export interface ModelAnswer {
  readonly captured: boolean;
  readonly file: string | null;
  /** The answer; null when captured, because none is invented. */
  readonly text: string | null;
  readonly model: string | null;
  readonly finishReason: string | null;
}

export interface SendOptions {
  /** The same at every attempt of one effect. */
  readonly idempotencyKey: string;
  readonly signal?: AbortSignal;
}

export interface Connector<Request, Answer> {
  readonly name: string;
  /** True when a repeat under the same key is known to act once; only then is a lost attempt repeated. */
  readonly takesIdempotencyKey: boolean;
  /** @throws ConnectorError, and nothing else on purpose */
  send(request: Request, options: SendOptions): Promise<Answer>;
}

export type MessageConnector = Connector<MessageToSend, MessageSent>;
export type ModelConnector = Connector<ModelRequest, ModelAnswer>;

export interface Connectors {
  for(channel: MessageChannel): MessageConnector;
  readonly model: ModelConnector;
  /** Whether a repeat is safe with the connector of this name; false for one that is not configured any more. */
  takesIdempotencyKey(name: string): boolean;
}

/**
 * `not-sent`: provably nothing happened, try again. `refused`: the other side said no for good. `unknown`: it may have
 * happened; only a person, or a provider that takes our key, can tell.
 */
export type ConnectorOutcome = 'not-sent' | 'refused' | 'unknown';

export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly outcome: ConnectorOutcome;
  /** How long the other side asked us to wait. */
  readonly retryAfterMs: number | null;

  /** The message is shown to the requester: no secret, host or path in it. */
  constructor(outcome: ConnectorOutcome, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.outcome = outcome;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

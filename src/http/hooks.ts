// Callbacks from providers, at /hooks/:id. The door reads and bounds them; whoever is registered under the id checks the
// signature over the raw bytes and decides. An id that nobody registered is answered like any unknown path.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from './body.js';
import type { DoorFacts } from './request-facts.js';
import { methodNotAllowed, sendJson, unknownPath } from './respond.js';

export interface HookCall {
  readonly id: string;
  readonly facts: DoorFacts;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As it came: signatures are over these bytes. */
  readonly body: Buffer;
}

export interface HookAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** May be called twice with one delivery: providers repeat. Throws CodedError to refuse. */
export type HookReceiver = (call: HookCall) => Promise<HookAnswer>;

/** Receivers by id: an `itg_…`, `shared-sms` or `shared-voice`. */
export type HookReceivers = ReadonlyMap<string, HookReceiver>;

export async function answerHook(
  req: IncomingMessage,
  res: ServerResponse,
  id: string,
  facts: DoorFacts,
  receivers: HookReceivers,
): Promise<void> {
  const receive = receivers.get(id);
  if (receive === undefined) throw unknownPath();
  if (req.method !== 'POST') throw methodNotAllowed('POST');
  const { status, body } = await receive({ id, facts, headers: req.headers, body: await readBody(req) });
  sendJson(res, status, body);
}

// Follows one effect to its end as a client would: over server-sent events, without polling.
import { type Credential, dataOf, subscribe } from './client.js';
import type { Stage } from './stage.js';

export interface EffectState {
  readonly status: string;
  readonly charged: number;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly result: { readonly captured?: boolean; readonly file?: string | null; readonly response?: string } | null;
}

export interface Cast {
  readonly name: string;
  readonly credential: Credential;
}

const finalStates = new Set(['SUCCEEDED', 'FAILED', 'UNCERTAIN', 'REJECTED', 'EXPIRED', 'CANCELLED']);

/** Subscribes to an effect, lets `act` happen once its present state came, and returns the state it ends in. */
export async function watched(
  url: string,
  who: Cast,
  id: string,
  stage: Stage,
  act: () => Promise<void> = async () => undefined,
): Promise<EffectState> {
  const query = `subscription Watch($id: ID!) { effectUpdated(id: $id) { status charged failure { code message } result } }`;
  stage.asks(who.name, query);
  let acting: Promise<void> | null = null;
  let last: EffectState | null = null;
  const states: string[] = [];
  for await (const answer of subscribe<{ effectUpdated: EffectState }>(url, who.credential, {
    query,
    variables: { id },
  })) {
    last = dataOf(answer).effectUpdated;
    if (states.at(-1) !== last.status) states.push(last.status);
    acting ??= act();
    if (finalStates.has(last.status)) break;
    await acting;
  }
  await acting;
  const { status, charged, failure, result } = last ?? {};
  stage.says(`Seen over server-sent events: ${states.join(', then ')}.`);
  stage.answers({ status, charged, failure, result });
  if (last === null) throw new Error('The subscription ended before it said anything.');
  return last;
}

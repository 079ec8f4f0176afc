// Follows one effect to its end as a client would: over server-sent events, without polling.
import { type Answer, answerWithinMs, type Credential, dataOf, subscribe } from './client.js';
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
  const states: string[] = [];
  const last = await lastState(subscribe(url, who.credential, { query, variables: { id } }), states, act);
  const { status, charged, failure, result } = last;
  stage.says(`Seen over server-sent events: ${states.join(', then ')}.`);
  stage.answers({ status, charged, failure, result });
  return last;
}

async function lastState(
  answers: AsyncIterable<Answer<{ effectUpdated: EffectState }>>,
  states: string[],
  act: () => Promise<void>,
): Promise<EffectState> {
  let acting: Promise<void> | null = null;
  try {
    for await (const answer of answers) {
      const { effectUpdated: now } = dataOf(answer);
      if (states.at(-1) !== now.status) states.push(now.status);
      if (finalStates.has(now.status)) return now;
      acting ??= act();
      await acting;
    }
  } catch (error) {
    if (!(error instanceof Error && error.name === 'TimeoutError')) throw error;
  }
  throw new Error(
    `the effect should have come to its end within ${answerWithinMs / 1_000} s; seen: ${states.join(', ')}. Does the provider answer?`,
  );
}

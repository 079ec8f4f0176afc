// A plan is signed for whoever made it, so a sample of one is planned by the asker itself, over HTTP. What is planned takes
// no scope: that an own request is taken back.
import { newId } from '../../../src/platform/ids.js';
import type { Client } from '../client.js';
import type { Asker, Owner } from '../world.js';
import { type Making, make } from './samples.js';

const clients = new WeakMap<Owner, Map<string, Client>>();

/** Remembers who asks through which client, so that they can be asked to plan. */
export function noteClient(owner: Owner, { id }: Asker, client: Client): void {
  const known = clients.get(owner) ?? new Map<string, Client>();
  clients.set(owner, known.set(id, client));
}

/** A mutation that its asker may ask for, and in a person's hands one that asks for something to leave besides. */
export async function toPlan(making: Making): Promise<string> {
  const { id } = await make('ownEffect', making);
  const cancel = `cancelEffect(input: { effectId: "${id}" }) { effect { id } }`;
  if (making.asker.kind !== 'SESSION') return `mutation { ${cancel} }`;
  const draft = await make('draft', making);
  return `mutation { ${cancel} sendMessage(input: { messageId: "${draft.id}" }) { status } }`;
}

/** The planId of an own plan; one that nobody signed for who asks through no client. */
export async function planOf(making: Making): Promise<string> {
  const client = clients.get(making.owner)?.get(making.asker.id);
  if (client === undefined) return newId('run');
  const { planOperation } = await client.data<{ planOperation: { planId: string } }>(
    'query ($document: String!) { planOperation(document: $document) { planId } }',
    { document: await toPlan(making) },
  );
  return planOperation.planId;
}

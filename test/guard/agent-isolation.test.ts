// Generated from the schema: an agent key sees its agent, that agent's conversations, messages and requests, and nothing
// else of its own workspace. Naming another agent is refused before anything runs; all else that is not its own is
// answered as unknown.
import { getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IdPrefix, isId, newId } from '../../src/platform/ids.js';
import {
  askable,
  type Isolation,
  legible,
  mayAsk,
  mayRead,
  standApart,
  wallsAlone,
} from '../support/generate/isolation.js';
import { textOf } from '../support/generate/operations.js';
import { idPlaces, lists, naming, type Place, tellingTail, typeOf, wholeTail } from '../support/generate/places.js';
import type { Thing } from '../support/generate/samples.js';
import { expectWholePage, type Said, say, wholeOf } from '../support/generate/speak.js';
import type { Caller } from '../support/generate/stage.js';
import { changed, type Snapshot, snapshotOf } from '../support/snapshot.js';
import type { Rows } from '../support/world.js';

const places = idPlaces(askable);

/** What stands for the same thing of another agent; what is not here is of no agent at all, and not an agent key's either. */
const ofAnother: Readonly<Record<string, keyof Rows>> = {
  Agent: 'otherAgent',
  Contact: 'otherContact',
  Inbox: 'otherInbox',
  Conversation: 'otherConversation',
  chat: 'otherConversation',
  Message: 'otherMessage',
  draft: 'otherMessage',
  Effect: 'otherEffect',
  ownEffect: 'otherEffect',
  effectToDecide: 'otherEffect',
  effectToConfirm: 'otherEffect',
};
/** What an agent key may name although it is of no agent. */
const shared = new Set(['User', 'Workspace']);

describe.each(wallsAlone)('with %s', (_name, walls) => {
  let isolation: Isolation;
  let agentKey: Caller;
  let notItsOwn: ReadonlySet<string>;

  beforeAll(async () => {
    isolation = await standApart(walls);
    const caller = isolation.callers.find(({ asker }) => asker.agentId !== null);
    if (caller === undefined) throw new Error('No agent key asks.');
    agentKey = caller;
    const { rows } = isolation.stage.ours;
    const others = Object.entries(rows).filter(([name]) => name.startsWith('other'));
    notItsOwn = new Set([...others.map(([, id]) => id), rows.Contact, rows.Inbox, rows.ApiKey, rows.AuditEntry]);
  });
  afterAll(() => isolation?.stage.harness.stop());

  const ask = async (text: string, variables: object): Promise<Said> => {
    const said = await isolation.ask(agentKey, text, variables);
    const told = `${text}: ${said.text}`;
    const shown = legible(said.text);
    expect(shown, told).not.toContain(isolation.stage.ours.otherCanary);
    const seen = (shown.match(/\b[a-z]{3}_[0-9a-z]{26}\b/g) ?? []).filter((id) => notItsOwn.has(id));
    expect(seen, told).toEqual([]);
    return said;
  };
  const ours = async (): Promise<Snapshot> => {
    const { audit_entry: _, ...rest } = await snapshotOf(isolation.stage.harness.database, isolation.stage.ours);
    return rest;
  };

  describe.each(places.map((place) => [place.coordinate, place] as const))('%s', (_coordinate, place) => {
    it('takes nothing of another agent', async () => {
      const { operation } = place;
      if (shared.has(place.thing)) return;
      const text = textOf(operation, [place.argument], tellingTail(operation));
      const own = await isolation.variablesOf(isolation.stage.ours, agentKey, operation, place);
      const other = await notOwn(isolation, place, agentKey);
      const before = await ours();
      const about = await ask(text, naming(place, own, other));
      if (!isId(other.id, 'agt') || !mayAsk(operation, agentKey)) {
        const nothing = await ask(text, naming(place, own, { ...other, id: newId(other.id.slice(0, 3) as IdPrefix) }));
        expect(wholeOf(about), text).toBe(wholeOf(nothing));
      } else {
        expect(about.status, about.text).toBe(403);
        expect(about.data ?? null, about.text).toBeNull();
        expect(about.errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN_AGENT']);
      }
      expect(changed(before, await ours()), text).toEqual([]);
    });
  });

  const objects = askable.filter((one) => one.root === 'query' && isObjectType(getNamedType(typeOf(one))));
  it.each(objects.map((one) => [one.coordinate, one] as const))(
    '%s shows nothing of another agent',
    async (_at, one) => {
      if (!mayAsk(one, agentKey)) return;
      const text = textOf(
        one,
        [],
        wholeTail(typeOf(one), (coordinate) => mayRead(coordinate, agentKey)),
      );
      const said = await ask(text, await isolation.variablesOf(isolation.stage.ours, agentKey, one));
      expect(said.errors, `${text}: ${said.text}`).toEqual([]);
    },
  );

  it.each(lists(askable).map((one) => [one.coordinate, one] as const))('%s counts what it shows', async (_at, list) => {
    if (!mayAsk(list, agentKey)) return;
    const variables = await isolation.variablesOf(isolation.stage.ours, agentKey, list);
    expectWholePage(await ask(textOf(list, [], tellingTail(list)), variables), list);
  });

  it('fires its agent by chat only', async () => {
    const before = await ours();
    const text = 'mutation ($input: TriggerAgentInput!) { triggerAgent(input: $input) { status } }';
    for (const mode of ['VOICE', 'MISSION']) {
      const input = { agentId: agentKey.asker.agentId, mode, message: 'Hello' };
      const { status, errors, data } = await ask(text, { input });
      expect({ status, data: data ?? null }).toEqual({ status: 403, data: null });
      expect(errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['agents:trigger'] });
    }
    expect(changed(before, await ours())).toEqual([]);
  });

  it('names no other agent inside a list, a nested input or the document itself', async () => {
    const { otherAgent } = isolation.stage.ours.rows;
    for (const [text, variables] of [
      [`{ agent(id: "${otherAgent}") { id } }`, {}],
      ['query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: [agentKey.asker.agentId, otherAgent] }],
      [
        'mutation ($input: TriggerAgentInput!) { triggerAgent(input: $input) { status } }',
        { input: { agentId: otherAgent, mode: 'CHAT', message: 'Hello' } },
      ],
      [`query ($id: ID = "${otherAgent}") { conversations(agentId: $id) { totalCount } }`, {}],
    ] as const) {
      const { status, errors } = await say(agentKey.client, text, variables);
      expect([status, errors[0]?.extensions.code], text).toEqual([403, 'FORBIDDEN_AGENT']);
    }
  });
});

async function notOwn({ stage, thing }: Isolation, { thing: kind }: Place, caller: Caller): Promise<Thing> {
  const name = ofAnother[kind];
  if (name === undefined) return thing(kind, stage.ours, { ...caller, asker: { ...caller.asker, agentId: null } });
  return { id: stage.ours.rows[name], seal: 'a seal' };
}

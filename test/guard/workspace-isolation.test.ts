// Generated from the schema: wherever a caller may write an id, the id of another workspace is answered as one that does
// not exist, to the byte, and nothing there is changed. With both walls, and with each of them alone.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IdPrefix, isId, newId } from '../../src/platform/ids.js';
import {
  askable,
  type Isolation,
  mayAsk,
  sharesThings,
  standApart,
  wallsAlone,
} from '../support/generate/isolation.js';
import { textOf } from '../support/generate/operations.js';
import { idPlaces, naming, tellingTail } from '../support/generate/places.js';
import { wholeOf } from '../support/generate/speak.js';
import { snapshotOf } from '../support/snapshot.js';

const places = idPlaces(askable);

/** A new id of the same type. */
const anotherLike = (id: string): string => {
  const prefix = id.slice(0, 3);
  return isId(id) ? newId(prefix as IdPrefix) : id;
};

it('knows where ids are written', () => {
  expect(places.length).toBeGreaterThan(50);
});

describe.each(wallsAlone)('with %s', (_name, walls) => {
  let isolation: Isolation;
  beforeAll(async () => {
    isolation = await standApart(walls);
  });
  afterAll(() => isolation?.stage.harness.stop());

  it('there is something of every kind in each workspace, each text with its canary', async () => {
    const { stage, others } = isolation;
    for (const site of [stage.ours, ...others]) {
      const { 'pgboss.job': _, ...tables } = await snapshotOf(stage.harness.database, site);
      for (const [name, text] of Object.entries(tables)) {
        expect(text, `${name} of ${site.canary}`).not.toBe('');
        expect(uncanaried(text), `${name} of ${site.canary}`).toEqual([]);
      }
    }
  });

  describe.each(places.map((place) => [place.coordinate, place] as const))('%s', (_coordinate, place) => {
    const { operation } = place;
    const text = textOf(operation, [place.argument], tellingTail(operation));

    it('answers an id of another workspace as one that does not exist', async () => {
      const { stage, callers, others, ask, untouched, variablesOf, thing } = isolation;
      for (const caller of callers) {
        const own = await variablesOf(stage.ours, caller, operation, place);
        const apart = others.filter((site) => !sharesThings(place.thing, site, stage.ours));
        expect(apart).not.toHaveLength(0);
        const theirs = await Promise.all(apart.map((site) => thing(place.thing, site, caller)));
        const compare = async () => {
          // A person is the same in both workspaces of one organization.
          for (const their of theirs.filter(({ id }) => !JSON.stringify(own).includes(id))) {
            const about = await ask(caller, text, naming(place, own, their));
            const nothing = await ask(caller, text, naming(place, own, { ...their, id: anotherLike(their.id) }));
            expect(wholeOf(about), `${text} by ${caller.name}`).toBe(wholeOf(nothing));
          }
        };
        // What only reads is judged once, at the end.
        await (operation.root === 'mutation' ? untouched(compare) : compare());
        if (!mayAsk(operation, caller)) continue;
        // The same with an own id is served, so what was refused above was refused for the id.
        const nobody = { id: anotherLike(stage.ours.rows.Agent), seal: '' };
        const nothing = await ask(caller, text, naming(place, own, nobody));
        const served = await ask(caller, text, own);
        expect(served.errors, `${text} by ${caller.name}: ${served.text}`).toEqual([]);
        expect(wholeOf(served), text).not.toBe(wholeOf(nothing));
      }
    });
  });

  it('no id at all finds anything of another workspace', async () => {
    const { theirs, callers, ask } = isolation;
    const ids = [...theirs];
    const text = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }';
    for (const caller of callers) {
      for (let at = 0; at < ids.length; at += 100) {
        const some = ids.slice(at, at + 100);
        const about = await ask(caller, text, { ids: some });
        const nothing = await ask(caller, text, { ids: some.map(anotherLike) });
        expect(wholeOf(about), caller.name).toBe(wholeOf(nothing));
      }
    }
  });

  it('the other workspaces are as they were, but for what the test itself wrote there', async () => {
    const after = await isolation.now();
    isolation.atFirst.forEach((before, index) => {
      for (const [table, text] of Object.entries(before)) {
        const lines = new Set((after[index]?.[table] ?? '').split('\n'));
        expect(
          text.split('\n').filter((line) => !lines.has(line)),
          table,
        ).toEqual([]);
        const planted = ['api_key', 'effect', 'effect_decision', 'inbox', 'member', 'invitation'];
        const ofTalk = ['conversation', 'message'];
        const ofRules = ['effect_pause', 'approval_rule', 'approval_rule_version'];
        const isPlanted = [...planted, ...ofTalk, ...ofRules].includes(table);
        if (!isPlanted) expect(after[index]?.[table], table).toBe(text);
      }
    });
  });
});

/** Texts that are nobody's content: states, times, ids, hashes, scopes, numbers, and what the bootstrap writes. */
const plain =
  /^(|[A-Z_]+|[a-z]{3}_[0-9a-z]{26}|[0-9a-f]{64}|\d{4}-\d\d-\d\dT.*|contact\.create|[a-z_]+:[a-z:_]+|free|system|\\\\x.*)$/;

/** In rows that hold a canary: columns whose text does not, and which would give nothing away if they were shown. */
function uncanaried(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    if (!line.includes('canary')) return [];
    const row = JSON.parse(line) as Record<string, unknown>;
    return Object.entries(row).flatMap(([column, value]) => {
      const isBare = typeof value === 'string' && !value.includes('canary') && !plain.test(value);
      return isBare ? [`${column}: ${value}`] : [];
    });
  });
}

// Generated from the schema: whatever is listed shows one workspace only, its cursors are good nowhere else, and its
// searches find nothing beyond. With both walls, and with each of them alone.
import { getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askable, type Isolation, mayAsk, mayRead, standApart, wallsAlone } from '../support/generate/isolation.js';
import { type Operation, textOf } from '../support/generate/operations.js';
import { lists, tellingTail, textFilters, typeOf, wholeTail } from '../support/generate/places.js';
import { expectWholePage, reached, wholeOf } from '../support/generate/speak.js';

const objects = askable.filter((one) => one.root === 'query' && isObjectType(getNamedType(typeOf(one))));
const named = (operations: readonly Operation[]) => operations.map((one) => [one.coordinate, one] as const);

it('knows what is listed', () => {
  expect(lists(askable).length).toBeGreaterThan(10);
  expect(objects.length).toBeGreaterThan(50);
});

describe.each(wallsAlone)('with %s', (_name, walls) => {
  let isolation: Isolation;
  beforeAll(async () => {
    isolation = await standApart(walls);
  });
  afterAll(() => isolation?.stage.harness.stop());

  it.each(named(objects))('%s shows nothing of another workspace', async (_coordinate, operation) => {
    const { stage, callers, ask, variablesOf } = isolation;
    for (const caller of callers) {
      if (!mayAsk(operation, caller)) continue;
      const text = textOf(
        operation,
        [],
        wholeTail(typeOf(operation), (coordinate) => mayRead(coordinate, caller)),
      );
      const said = await ask(caller, text, await variablesOf(stage.ours, caller, operation));
      expect(said.errors, `${text} by ${caller.name}: ${said.text}`).toEqual([]);
    }
  });

  it.each(named(lists(askable)))('%s counts what it shows', async (_coordinate, list) => {
    const { stage, callers, ask, variablesOf } = isolation;
    for (const caller of callers) {
      if (!mayAsk(list, caller)) continue;
      const said = await ask(caller, textOf(list, [], tellingTail(list)), await variablesOf(stage.ours, caller, list));
      expectWholePage(said, list);
    }
  });

  it.each(named(lists(askable)))('%s refuses the cursors of another workspace', async (_coordinate, list) => {
    const { stage, callers, others, likeIn, ask, variablesOf } = isolation;
    const mine = callers.find((caller) => mayAsk(list, caller));
    if (mine === undefined) throw new Error('Nobody asks.');
    const tail = ' { nodes { __typename } pageInfo { startCursor endCursor } }';
    const names = list.steps.map(({ field }) => field.name);
    for (const site of others) {
      const their = await likeIn(site, mine);
      const variables = await variablesOf(site, their, list);
      const shown = await their.client.data<object>(textOf(list, [], tail), variables);
      const { pageInfo } = reached(shown, names) as { pageInfo: Record<'startCursor' | 'endCursor', string> };
      expect(pageInfo.endCursor, JSON.stringify(shown)).toEqual(expect.any(String));
      for (const argument of ['after', 'before']) {
        const text = textOf(list, [argument], tail);
        const cursor = { [`${argument}${list.steps.length - 1}`]: pageInfo.endCursor };
        const refused = await ask(mine, text, { ...(await variablesOf(stage.ours, mine, list)), ...cursor });
        const codes = refused.errors.map(({ extensions }) => extensions.code);
        expect(codes, `${text}: ${refused.text}`).toEqual(['BAD_USER_INPUT']);
        await their.client.data(text, { ...variables, ...cursor });
      }
    }
  });

  const searches = lists(askable).flatMap((list) =>
    textFilters(list).map((argument) => [`${list.coordinate}(${argument}:)`, list, argument] as const),
  );
  // A whole value, where a part of it finds nothing anyway.
  const exact: Readonly<Record<string, (canary: string) => string>> = {
    email: (canary) => `contact-${canary}@example.com`,
    action: (canary) => `contact.update-${canary}`,
  };
  it.each(searches)('%s finds nothing of another workspace', async (_coordinate, list, argument) => {
    const { stage, callers, others, ask, variablesOf } = isolation;
    const text = textOf(list, [argument], tellingTail(list));
    for (const caller of callers) {
      const own = await variablesOf(stage.ours, caller, list);
      const about = (words: string) => ask(caller, text, { ...own, [`${argument}${list.steps.length - 1}`]: words });
      const nothing = wholeOf(await about('nobody ever wrote this'));
      for (const { canary } of others) {
        const words = exact[argument]?.(canary) ?? canary;
        expect(wholeOf(await about(words)), `${text} by ${caller.name}`).toBe(nothing);
      }
    }
  });

  it('the other workspaces are as they were', async () => {
    const after = await isolation.now();
    isolation.atFirst.forEach((before, index) => {
      // Written there by the test itself.
      const planted = ['effect', 'effect_decision', 'effect_pause', 'approval_rule', 'approval_rule_version'];
      const rest = Object.entries(before).filter(([table]) => !planted.includes(table));
      expect(after[index]).toMatchObject(Object.fromEntries(rest));
    });
  });
});

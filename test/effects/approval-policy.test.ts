import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PrincipalKind } from '../../src/auth/principal.js';
import {
  type ApprovalFacts,
  type ApprovalRule,
  approvalsNeeded,
  decideRule,
  defaultRules,
  possibleRules,
  type Requirement,
  type RuleConditions,
  triedRules,
} from '../../src/effects/approval-policy.js';

const facts = (change: Partial<ApprovalFacts> = {}): ApprovalFacts => ({
  act: 'EFFECT',
  kind: 'message.send',
  principalKind: 'ACCOUNT_KEY',
  apiKeyId: 'key_1',
  agentId: null,
  credits: 1,
  recipients: 1,
  isFirstContact: false,
  channel: 'EMAIL',
  ...change,
});

const ruleOf = (when: RuleConditions, requirement: Requirement = 'TWO'): ApprovalRule => ({
  id: 'own',
  version: 3,
  when,
  requirement,
  approvers: ['OWNER'],
  reason: 'Ours.',
});

const byDefault = (change: Partial<ApprovalFacts>) => decideRule(defaultRules, facts(change)).rule.requirement;

describe('the default', () => {
  const columns: readonly PrincipalKind[] = ['ACCOUNT_KEY', 'AGENT_KEY', 'MISSION', 'SESSION', 'PROVIDER', 'SYSTEM'];
  const rows: readonly [string, Partial<ApprovalFacts>, readonly Requirement[]][] = [
    ['message.send', { kind: 'message.send' }, ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    ['campaign.start', { kind: 'campaign.start' }, ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    ['agent.trigger by CHAT', { kind: 'agent.trigger', channel: 'CHAT' }, ['ONE', 'NONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    [
      'agent.trigger by VOICE',
      { kind: 'agent.trigger', channel: 'VOICE' },
      ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE'],
    ],
    [
      'agent.trigger, MISSION',
      { kind: 'agent.trigger', channel: 'MISSION' },
      ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE'],
    ],
    ['tool.call', { kind: 'tool.call' }, ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    ['integration.connect', { kind: 'integration.connect' }, ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    ['integration.update', { kind: 'integration.update' }, ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    ['integration.disconnect', { kind: 'integration.disconnect' }, ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    ['integration.delete', { kind: 'integration.delete' }, ['ONE', 'ONE', 'ONE', 'CONFIRM', 'ONE', 'ONE']],
    ['domain.delete', { kind: 'domain.delete' }, ['ONE', 'ONE', 'ONE', 'CONFIRM', 'ONE', 'ONE']],
    ['webhookEndpoint.delete', { kind: 'webhookEndpoint.delete' }, ['ONE', 'ONE', 'ONE', 'CONFIRM', 'ONE', 'ONE']],
    ['campaign.delete', { kind: 'campaign.delete' }, ['ONE', 'ONE', 'ONE', 'CONFIRM', 'ONE', 'ONE']],
    ['contact.erase', { kind: 'contact.erase' }, ['ONE', 'ONE', 'ONE', 'CONFIRM', 'ONE', 'ONE']],
    ['contact.merge', { kind: 'contact.merge' }, ['ONE', 'ONE', 'ONE', 'CONFIRM', 'ONE', 'ONE']],
    ['an effect nobody thought of', { kind: 'thing.do' }, ['ONE', 'ONE', 'ONE', 'NONE', 'ONE', 'ONE']],
    ['an action', { act: 'ACTION', kind: 'agent.update' }, ['NONE', 'NONE', 'NONE', 'NONE', 'NONE', 'NONE']],
    [
      'an action that deletes',
      { act: 'ACTION', kind: 'draft.delete' },
      ['NONE', 'NONE', 'NONE', 'NONE', 'NONE', 'NONE'],
    ],
  ];
  const cases = rows.flatMap(([name, change, expected]) =>
    columns.map((principalKind, index) => ({ name, change: { ...change, principalKind }, expected: expected[index] })),
  );

  it.each(cases)('$name by $change.principalKind: $expected', ({ change, expected }) => {
    expect(byDefault(change)).toBe(expected);
  });

  it('is what rules fall back to when they are none', () => {
    expect(decideRule([], facts()).rule).toMatchObject({ id: 'default.unmatched', requirement: 'ONE' });
    expect(decideRule([], facts({ act: 'ACTION' })).rule.requirement).toBe('NONE');
  });

  it('lets ADMIN and OWNER decide, and says why', () => {
    const { rule } = decideRule(defaultRules, facts());
    expect(rule).toEqual({
      id: 'default.key',
      version: 1,
      requirement: 'ONE',
      approvers: ['ADMIN', 'OWNER'],
      atCap: 'REFUSE',
      reason: 'A key asks for something that leaves the workspace or cannot be taken back.',
    });
    expect(decideRule(defaultRules, facts({ principalKind: 'SESSION' })).rule.approvers).toEqual([]);
  });

  it('gives each rule its own name', () => {
    expect(new Set(defaultRules.map(({ id }) => id)).size).toBe(defaultRules.length);
  });
});

describe('a rule', () => {
  it.each<[string, RuleConditions, Partial<ApprovalFacts>, boolean]>([
    ['no condition', {}, {}, true],
    ['act', { act: 'EFFECT' }, {}, true],
    ['act', { act: 'ACTION' }, {}, false],
    ['kind', { kinds: ['agent.trigger', 'message.send'] }, {}, true],
    ['kind', { kinds: ['agent.trigger'] }, {}, false],
    ['kind of a noun', { kinds: ['message.*'] }, {}, true],
    ['kind of a noun', { kinds: ['mess.*'] }, {}, false],
    ['kind of a verb', { kinds: ['*.send'] }, {}, true],
    ['kind of a verb', { kinds: ['*.sen'] }, {}, false],
    ['any kind', { kinds: ['*.*'] }, {}, true],
    ['no kind', { kinds: [] }, {}, false],
    ['half a kind', { kinds: ['message'] }, {}, false],
    ['principal', { principalKinds: ['ACCOUNT_KEY'] }, {}, true],
    ['principal', { principalKinds: ['SESSION'] }, {}, false],
    ['key', { apiKeyIds: ['key_0', 'key_1'] }, {}, true],
    ['key', { apiKeyIds: ['key_2'] }, {}, false],
    ['key of a session', { apiKeyIds: ['key_1'] }, { apiKeyId: null }, false],
    ['agent', { agentIds: ['agt_1'] }, { agentId: 'agt_1' }, true],
    ['agent', { agentIds: ['agt_1'] }, {}, false],
    ['at least so many credits', { creditsAtLeast: 5 }, { credits: 5 }, true],
    ['at least so many credits', { creditsAtLeast: 5 }, { credits: 4 }, false],
    ['at most so many credits', { creditsAtMost: 5 }, { credits: 5 }, true],
    ['at most so many credits', { creditsAtMost: 5 }, { credits: 6 }, false],
    ['recipients', { recipientsAtLeast: 2 }, { recipients: 2 }, true],
    ['recipients', { recipientsAtLeast: 2 }, {}, false],
    ['first contact', { isFirstContact: true }, { isFirstContact: true }, true],
    ['first contact', { isFirstContact: true }, {}, false],
    ['not the first contact', { isFirstContact: false }, {}, true],
    ['channel', { channels: ['SMS', 'EMAIL'] }, {}, true],
    ['channel', { channels: ['SMS'] }, {}, false],
    ['no channel', { channels: ['SMS'] }, { channel: null }, false],
    ['all of several', { kinds: ['message.send'], creditsAtMost: 1, channels: ['EMAIL'] }, {}, true],
    ['all but one of several', { kinds: ['message.send'], creditsAtMost: 0, channels: ['EMAIL'] }, {}, false],
  ])('by %s: %j of %j matches: %s', (_what, when, change, isMatch) => {
    expect(decideRule([ruleOf(when), ...defaultRules], facts(change)).rule.id === 'own').toBe(isMatch);
  });

  it('that comes first wins', () => {
    const { rule } = decideRule([ruleOf({ channels: ['EMAIL'] }, 'NONE'), ruleOf({}, 'TWO')], facts());
    expect(rule).toEqual({
      id: 'own',
      version: 3,
      requirement: 'NONE',
      approvers: [],
      atCap: 'REFUSE',
      reason: 'Ours.',
    });
  });

  it.each([
    'effect.approve',
    'effect.settle',
    'effects.pause',
    'apiKey.revoke',
    'apiKey.revokeSelf',
    'session.end',
    'workspace.suspend',
    'agent.pause',
  ])('never holds %s: deciding and stopping do not wait', (kind) => {
    const asked = facts({ act: 'ACTION', kind, principalKind: 'SESSION' });
    expect(decideRule([ruleOf({}, 'TWO')], asked).rule.requirement).toBe('NONE');
    expect(triedRules([ruleOf({}, 'TWO')], asked)).toEqual([]);
  });

  it('that is asked in vain says which of its conditions did not hold, until one matches', () => {
    const far = ruleOf({ creditsAtLeast: 100, channels: ['SMS'], kinds: ['message.*'] }, 'TWO');
    const near = ruleOf({ kinds: ['message.send'] }, 'ONE');
    expect(triedRules([far, near, far], facts({ credits: 1 })).map(({ unmet }) => unmet)).toEqual([
      ['channels', 'creditsAtLeast'],
      [],
    ]);
    expect(triedRules([far], facts({ credits: 1 }))).toHaveLength(1);
  });

  it('may hold an action', () => {
    const own = ruleOf({ kinds: ['agent.update'] }, 'ONE');
    const { rule } = decideRule([own, ...defaultRules], facts({ act: 'ACTION', kind: 'agent.update' }));
    expect(rule).toMatchObject({ id: 'own', requirement: 'ONE', approvers: ['OWNER'] });
  });

  it.each<[PrincipalKind, Requirement]>([
    ['SESSION', 'CONFIRM'],
    ['ACCOUNT_KEY', 'ONE'],
    ['AGENT_KEY', 'ONE'],
    ['MISSION', 'ONE'],
    ['PROVIDER', 'ONE'],
    ['SYSTEM', 'ONE'],
  ])('CONFIRM means for %s: %s', (principalKind, requirement) => {
    const { rule } = decideRule([ruleOf({}, 'CONFIRM')], facts({ principalKind }));
    expect(rule.requirement).toBe(requirement);
    expect(rule.approvers).toEqual(requirement === 'ONE' ? ['OWNER'] : []);
  });

  it('asks for as many people as it says', () => {
    expect((['NONE', 'CONFIRM', 'ONE', 'TWO'] as const).map(approvalsNeeded)).toEqual([0, 0, 1, 2]);
  });

  it('after the one that matches never matters', () => {
    const conditions = fc.record(
      {
        kinds: fc.subarray(['message.*', '*.delete', 'agent.trigger']),
        principalKinds: fc.subarray<PrincipalKind>(['SESSION', 'ACCOUNT_KEY', 'AGENT_KEY']),
        creditsAtLeast: fc.nat(3),
        isFirstContact: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const rule = fc.tuple(conditions, fc.constantFrom<Requirement>('NONE', 'CONFIRM', 'ONE', 'TWO'));
    const rules = fc.array(rule.map(([when, requirement]) => ruleOf(when, requirement)));
    fc.assert(
      fc.property(rules, rules, (first, then) => {
        const numbered = first.map((own, index) => ({ ...own, id: `own.${index}` }));
        const alone = decideRule(numbered, facts());
        if (alone.rule.id.startsWith('own.')) expect(decideRule([...numbered, ...then], facts())).toEqual(alone);
      }),
    );
  });
});

describe('the rules that may decide where not everything is known', () => {
  const kinds = ['message.send', 'agent.trigger', 'contact.create', 'inbox.delete', 'effect.approve'];
  const principals: readonly PrincipalKind[] = ['SESSION', 'ACCOUNT_KEY', 'AGENT_KEY'];
  const channels = ['EMAIL', 'SMS', 'CHAT', null];
  const whole = fc.record({
    act: fc.constantFrom('EFFECT' as const, 'ACTION' as const),
    kind: fc.constantFrom(...kinds),
    principalKind: fc.constantFrom(...principals),
    apiKeyId: fc.constantFrom('key_1', 'key_2', null),
    agentId: fc.constantFrom('agt_1', 'agt_2', null),
    credits: fc.nat({ max: 6 }),
    recipients: fc.nat({ max: 3 }),
    isFirstContact: fc.boolean(),
    channel: fc.constantFrom(...channels),
  });
  const conditions = fc.record(
    {
      kinds: fc.subarray(['message.*', '*.delete', 'agent.trigger', '*.*'], { minLength: 1 }),
      principalKinds: fc.subarray([...principals], { minLength: 1 }),
      apiKeyIds: fc.constant(['key_1']),
      agentIds: fc.constant(['agt_1']),
      creditsAtLeast: fc.nat({ max: 6 }),
      creditsAtMost: fc.nat({ max: 6 }),
      recipientsAtLeast: fc.nat({ max: 3 }),
      isFirstContact: fc.boolean(),
      channels: fc.subarray(['EMAIL', 'SMS', 'CHAT'], { minLength: 1 }),
    },
    { requiredKeys: [] },
  );
  const ruleList = fc
    .array(conditions, { maxLength: 4 })
    .map((list) => [...list.map((when, place) => ({ ...ruleOf(when), id: `own ${place}` })), ...defaultRules]);

  it('are just the one that decides, where everything is', () => {
    fc.assert(
      fc.property(ruleList, whole, (rules, all) => {
        expect(possibleRules(rules, all)).toEqual([decideRule(rules, all).rule]);
      }),
    );
  });

  it('hold the one that decides, whatever is not known', () => {
    const unknown = fc.subarray(['apiKeyId', 'agentId', 'credits', 'recipients', 'isFirstContact', 'channel'] as const);
    let settled = 0;
    fc.assert(
      fc.property(ruleList, whole, unknown, (rules, all, names) => {
        const known = { ...all, ...Object.fromEntries(names.map((name) => [name, undefined])) };
        const possible = possibleRules(rules, known);
        if (names.length > 0 && possible.length === 1) settled += 1;
        expect(possible).toContainEqual(decideRule(rules, all).rule);
      }),
      { numRuns: 1_000 },
    );
    expect(settled).toBeGreaterThan(100);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AccessRequirement,
  insufficientPermissions,
  missingScopes,
  satisfies,
} from '../../src/guard/access-requirement.js';
import { NEVER_GRANTABLE, parseScope, scopesOfWildcard, verbFirst } from '../../src/guard/scope-grammar.js';
import { expandScopes, grantScopes, scopeSetText } from '../../src/guard/scope-grants.js';
import {
  AGENT_SCOPES,
  DEFAULT_KEY_SCOPES,
  factsOf,
  isScope,
  partsOf,
  SCOPES,
  type Scope,
  scopesOfRole,
  WORKSPACE_SCOPES,
} from '../../src/guard/scopes.js';
import { isCoded } from '../../src/platform/errors.js';

const RESOURCE_WILDCARDS = [...new Set(WORKSPACE_SCOPES.map((scope) => partsOf(scope).resource))]
  .filter((resource) => resource !== 'audit')
  .map((resource) => `${resource}:*`);
const GRANTABLE_TO_ACCOUNT: readonly string[] = [...WORKSPACE_SCOPES, ...RESOURCE_WILDCARDS, '*:read'];
const workspaceScope = fc.constantFrom(...WORKSPACE_SCOPES);
const anyScope = fc.constantFrom(...SCOPES);
const accountGrants = fc.subarray([...GRANTABLE_TO_ACCOUNT], { minLength: 1 });
const agentGrants = fc.subarray([...AGENT_SCOPES], { minLength: 1 });
const policies = fc.record({ explicitSpendScopes: fc.boolean(), keysReadOnly: fc.boolean() });

const refusal = (text: string) => {
  const parsed = parseScope(text);
  return parsed.ok ? null : parsed;
};
const badInputOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (isCoded(error, 'BAD_USER_INPUT')) return error;
    throw error;
  }
  return null;
};

describe('the registry', () => {
  it('holds what the contract lists', () => {
    expect([...WORKSPACE_SCOPES].sort()).toEqual(
      `account:read activity:read agents:read agents:trigger agents:write analytics:read api_keys:read approvals:read
       audit:read billing:read calls:detail calls:read campaigns:read campaigns:start campaigns:write contacts:read
       contacts:write domains:read domains:write inboxes:read inboxes:write integrations:manage integrations:read
       leads:read leads:write me:read messages:read messages:send messages:write outcomes:read results:read
       webhooks:read webhooks:write`.split(/\s+/),
    );
    expect([...AGENT_SCOPES].sort()).toEqual([
      'agent:activity:read',
      'agent:config:read',
      'agent:config:write',
      'agent:conversations:read',
      'agent:trigger',
    ]);
    expect(SCOPES.filter((scope) => factsOf(scope).spends)).toEqual([
      'agents:trigger',
      'messages:send',
      'campaigns:start',
      'agent:trigger',
    ]);
    expect(SCOPES.filter((scope) => factsOf(scope).sensitive)).toEqual(['calls:detail', 'audit:read']);
  });

  it('calls read-only exactly what reads', () => {
    for (const scope of SCOPES) {
      const isRead = partsOf(scope).action === 'read' || scope === 'calls:detail';
      expect([scope, factsOf(scope).readOnly]).toEqual([scope, isRead]);
    }
  });

  it('has no word that is both a resource and an action, so the two spellings never collide', () => {
    const resources = new Set(SCOPES.map((scope) => partsOf(scope).resource));
    expect(SCOPES.filter((scope) => resources.has(partsOf(scope).action))).toEqual([]);
    expect(SCOPES.filter((scope) => isScope(verbFirst(scope)))).toEqual([]);
  });

  it('does not take inherited names for scopes', () => {
    expect(['constructor', '__proto__', 'toString'].filter(isScope)).toEqual([]);
  });
});

describe('parseScope', () => {
  it.each([
    ['agents:read', 'agents:read'],
    ['read:agents', 'agents:read'],
    ['trigger:agents', 'agents:trigger'],
    ['write:webhooks', 'webhooks:write'],
    ['read:api_keys', 'api_keys:read'],
    ['messages:send', 'messages:send'],
    ['read:*', '*:read'],
    ['*:read', '*:read'],
    ['*:agents', 'agents:*'],
    ['campaigns:*', 'campaigns:*'],
    ['agent:trigger', 'agent:trigger'],
    ['agent:config:read', 'agent:config:read'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseScope(text)).toMatchObject({ ok: true, canonical });
  });

  it.each([
    '*:write',
    'write:*',
    '*:trigger',
    '*:*',
    'agent:*',
    '*:agent',
    'agent:*:read',
    'agent:config:*',
    'audit:*',
    '*:audit',
    'members:*',
    'unknown:*',
    '*:send',
    'a*',
    '**',
    ':*',
    '*:',
  ])('refuses the wildcard %s with a reason', (text) => {
    expect(refusal(text)?.reason).toContain(JSON.stringify(text));
  });

  it.each([...NEVER_GRANTABLE.keys(), 'write:billing', 'write:api_keys', 'decide:approvals', 'write:members'])(
    'refuses %s, which no key may hold',
    (text) => {
      expect(refusal(text)?.reason).toMatch(/never granted to a key/);
      expect(refusal(text)?.reason).toContain(text);
    },
  );

  it.each([
    ['contcts:read', 'contacts:read'],
    ['read:contact', 'contacts:read'],
    ['Agents:Read', 'agents:read'],
    ['agents.read', 'agents:read'],
    ['agents:read ', 'agents:read'],
    ['campaings:*', 'campaigns:*'],
    ['agent:confg:read', 'agent:config:read'],
    ['message:send', 'messages:send'],
  ])('refuses %j and names the nearest, %s', (text, nearest) => {
    expect(refusal(text)).toMatchObject({ nearest });
    expect(refusal(text)?.reason).toContain(`Did you mean ${nearest}?`);
  });

  it.each(['', 'quux', 'agents', 'read', ':', 'agents:read:now', 'x'.repeat(100_000)])(
    'refuses what is no scope (%#)',
    (text) => {
      expect(refusal(text)?.reason.length).toBeLessThan(300);
    },
  );

  it('takes both spellings for the same', () => {
    fc.assert(
      fc.property(fc.constantFrom(...GRANTABLE_TO_ACCOUNT, ...AGENT_SCOPES), (scope) => {
        expect(parseScope(verbFirst(scope))).toEqual(parseScope(scope));
      }),
    );
  });

  it('leaves a canonical scope as it is', () => {
    const text = fc.oneof(fc.constantFrom(...GRANTABLE_TO_ACCOUNT, ...AGENT_SCOPES), fc.string());
    fc.assert(
      fc.property(text, (typed) => {
        const parsed = parseScope(typed);
        if (parsed.ok) expect(parseScope(parsed.canonical)).toEqual(parsed);
      }),
    );
  });

  it('never throws and never accepts a text outside the registry', () => {
    const known = new Set([...GRANTABLE_TO_ACCOUNT, ...AGENT_SCOPES].flatMap((scope) => [scope, verbFirst(scope)]));
    const word = fc.constantFrom('read', 'write', '*', 'agents', 'agent', 'audit', 'config', 'calls', 'members', '');
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 4 }).map((words) => words.join(':')),
    );
    fc.assert(fc.property(text, (typed) => parseScope(typed).ok === known.has(typed)));
  });
});

describe('wildcards', () => {
  it('stay in the workspace namespace and never hold audit:read', () => {
    for (const wildcard of [...RESOURCE_WILDCARDS, '*:read']) {
      const held = scopesOfWildcard(wildcard) ?? [];
      expect(held.length).toBeGreaterThan(0);
      expect(held.filter((scope) => factsOf(scope).keyKind !== 'ACCOUNT' || scope === 'audit:read')).toEqual([]);
    }
  });

  it('*:read holds every read scope that is not sensitive, and nothing else', () => {
    expect(scopesOfWildcard('*:read')).toEqual(
      WORKSPACE_SCOPES.filter((scope) => scope.endsWith(':read') && !factsOf(scope).sensitive),
    );
  });

  it('resource:* holds every action of the resource', () => {
    expect(scopesOfWildcard('agents:*')).toEqual(['agents:read', 'agents:write', 'agents:trigger']);
    expect(scopesOfWildcard('calls:*')).toEqual(['calls:read', 'calls:detail']);
  });
});

describe('grantScopes', () => {
  it('stores the canonical spelling, once, sorted', () => {
    const requested = ['read:contacts', 'agents:read', 'read:agents', 'contacts:read'];
    expect(grantScopes({ kind: 'ACCOUNT', requested })).toEqual({
      scopes: ['agents:read', 'contacts:read'],
      warnings: [],
    });
  });

  it('gives the default of the kind when the list is left out', () => {
    expect(grantScopes({ kind: 'ACCOUNT', requested: null }).scopes).toEqual([
      'account:read',
      'agents:read',
      'contacts:read',
    ]);
    expect(grantScopes({ kind: 'AGENT', requested: undefined }).scopes).toEqual(DEFAULT_KEY_SCOPES.AGENT);
  });

  it('refuses an empty list, naming the field', () => {
    expect(badInputOf(() => grantScopes({ kind: 'ACCOUNT', requested: [] }))?.data).toEqual({ field: 'input.scopes' });
  });

  it('warns by name when a wildcard brings spending or a sensitive scope along', () => {
    const { warnings } = grantScopes({
      kind: 'ACCOUNT',
      requested: ['campaigns:*', '*:calls', 'contacts:*', '*:read'],
    });
    expect(warnings).toEqual([
      'calls:* holds calls:detail, which is sensitive',
      'campaigns:* holds campaigns:start, which spends',
    ]);
  });

  it('does not warn of spending where wildcards hold none', () => {
    const request = { kind: 'ACCOUNT', requested: ['campaigns:*'], explicitSpendScopes: true } as const;
    expect(grantScopes(request).warnings).toEqual([]);
  });

  it('takes audit:read by name only', () => {
    expect(grantScopes({ kind: 'ACCOUNT', requested: ['read:audit'] }).scopes).toEqual(['audit:read']);
    expect(badInputOf(() => grantScopes({ kind: 'ACCOUNT', requested: ['audit:*'] }))?.message).toContain('"audit:*"');
  });

  it('keeps the namespaces apart', () => {
    const account = badInputOf(() => grantScopes({ kind: 'ACCOUNT', requested: ['agent:trigger'], field: 'scopes' }));
    expect(account?.message).toContain('agent:trigger');
    expect(account?.data).toEqual({ field: 'scopes' });
    for (const scope of [...WORKSPACE_SCOPES, '*:read', 'agents:*']) {
      expect(badInputOf(() => grantScopes({ kind: 'AGENT', requested: [scope] }))?.message).toContain(scope);
    }
  });

  it('takes a legacy * on import alone', () => {
    expect(badInputOf(() => grantScopes({ kind: 'ACCOUNT', requested: ['*'] }))).not.toBeNull();
    expect(badInputOf(() => grantScopes({ kind: 'AGENT', requested: ['*'], audience: 'IMPORT' }))).not.toBeNull();
    const imported = grantScopes({ kind: 'ACCOUNT', requested: ['*'], audience: 'IMPORT' });
    expect(imported.scopes).toEqual(['*']);
    expect(imported.warnings).toHaveLength(1);
  });

  it('refuses a list longer than any sensible one', () => {
    expect(
      badInputOf(() => grantScopes({ kind: 'ACCOUNT', requested: Array(201).fill('agents:read') })),
    ).not.toBeNull();
  });

  it('is the same for either spelling, in any order, and again on its own result', () => {
    fc.assert(
      fc.property(accountGrants, (requested) => {
        const once = grantScopes({ kind: 'ACCOUNT', requested });
        const other = grantScopes({ kind: 'ACCOUNT', requested: requested.map(verbFirst).reverse() });
        expect(other).toEqual(once);
        expect(grantScopes({ kind: 'ACCOUNT', requested: once.scopes })).toEqual(once);
      }),
    );
  });
});

describe('expandScopes', () => {
  it.each<[readonly string[], Parameters<typeof expandScopes>[1], string]>([
    [['agents:read'], {}, 'agents:read'],
    [['agents:*'], {}, 'agents:read agents:trigger agents:write'],
    [['agents:*'], { explicitSpendScopes: true }, 'agents:read agents:write'],
    [['agents:*', 'agents:trigger'], { explicitSpendScopes: true }, 'agents:read agents:trigger agents:write'],
    [['agents:*', 'agents:trigger'], { keysReadOnly: true }, 'agents:read'],
    [['calls:detail', 'messages:send'], { keysReadOnly: true }, 'calls:detail'],
    [['audit:read', 'me:read'], {}, 'audit:read me:read'],
    [['agent:trigger', 'agents:read'], { keyKind: 'AGENT' }, 'agent:trigger'],
    [['agent:trigger', 'agents:read'], { keyKind: 'ACCOUNT' }, 'agents:read'],
    [['gone:read', 'agent:*', 'constructor', ''], {}, ''],
  ])('%j under %j amounts to %s', (granted, under, expected) => {
    expect(scopeSetText(expandScopes(granted, under))).toBe(expected);
  });

  it('reads an imported * as every workspace scope but audit:read', () => {
    expect([...expandScopes(['*'])]).toEqual(WORKSPACE_SCOPES.filter((scope) => scope !== 'audit:read'));
    expect([...expandScopes(['*'], { explicitSpendScopes: true })].filter((scope) => factsOf(scope).spends)).toEqual(
      [],
    );
  });

  it('is monotone: more granted is never less held', () => {
    fc.assert(
      fc.property(accountGrants, accountGrants, policies, (some, more, under) => {
        const held = expandScopes(some, under);
        const heldWithMore = expandScopes([...some, ...more], under);
        expect([...held].every((scope) => heldWithMore.has(scope))).toBe(true);
      }),
    );
  });

  it('policies only take away', () => {
    fc.assert(
      fc.property(accountGrants, policies, (granted, under) => {
        const free = expandScopes(granted);
        const bound = expandScopes(granted, under);
        expect([...bound].every((scope) => free.has(scope))).toBe(true);
        if (under.keysReadOnly) expect([...bound].every((scope) => factsOf(scope).readOnly)).toBe(true);
      }),
    );
  });

  it('never crosses the namespaces', () => {
    fc.assert(
      fc.property(accountGrants, agentGrants, policies, (account, agent, under) => {
        expect([...expandScopes(account, under)].every((scope) => factsOf(scope).keyKind === 'ACCOUNT')).toBe(true);
        expect([...expandScopes(agent, under)].every((scope) => factsOf(scope).keyKind === 'AGENT')).toBe(true);
      }),
    );
  });
});

describe('roles', () => {
  it('MEMBER holds every workspace scope but audit:read; ADMIN and OWNER hold it too', () => {
    expect([...scopesOfRole('MEMBER')]).toEqual(WORKSPACE_SCOPES.filter((scope) => scope !== 'audit:read'));
    expect([...scopesOfRole('ADMIN')]).toEqual([...WORKSPACE_SCOPES]);
    expect([...scopesOfRole('OWNER')]).toEqual([...WORKSPACE_SCOPES]);
  });
});

describe('a requirement', () => {
  const requirement: AccessRequirement = [['agents:read', 'calls:read'], ['me:read']];

  it.each<[Scope[], boolean, Scope[]]>([
    [[], false, ['me:read']],
    [['agents:read'], false, ['calls:read']],
    [['agents:read', 'calls:read'], true, []],
    [['me:read'], true, []],
    [['audit:read'], false, ['me:read']],
  ])('with %j held: %s, missing %j', (held, isHeld, missing) => {
    expect(satisfies(new Set(held), requirement)).toBe(isHeld);
    expect(missingScopes(new Set(held), requirement)).toEqual(missing);
  });

  it('that is empty is held by nobody', () => {
    expect(satisfies(new Set(SCOPES), [])).toBe(false);
  });

  it.each<[AccessRequirement, string]>([
    [[['campaigns:write']], 'Insufficient permissions. Required scope: campaigns:write'],
    [[['agents:read', 'calls:read']], 'Insufficient permissions. Required scopes: agents:read and calls:read'],
    [[['agents:read'], ['me:read']], 'Insufficient permissions. Required scopes: agents:read, or me:read'],
    [requirement, 'Insufficient permissions. Required scopes: agents:read and calls:read, or me:read'],
  ])('%j is refused in words', (required, text) => {
    expect(insufficientPermissions(required)).toBe(text);
  });

  it('is held exactly when nothing is missing, and granting what is missing suffices', () => {
    const required = fc.array(fc.array(anyScope, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.uniqueArray(anyScope), required, (held, needed) => {
        const missing = missingScopes(new Set(held), needed);
        expect(missing.length === 0).toBe(satisfies(new Set(held), needed));
        expect(satisfies(new Set([...held, ...missing]), needed)).toBe(true);
      }),
    );
  });

  it('once held stays held with more scopes', () => {
    const required = fc.array(fc.array(workspaceScope), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(workspaceScope), fc.array(workspaceScope), required, (held, more, needed) => {
        if (satisfies(new Set(held), needed)) expect(satisfies(new Set([...held, ...more]), needed)).toBe(true);
      }),
    );
  });
});

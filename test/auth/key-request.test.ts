import { describe, expect, it } from 'vitest';
import { judgeKeyRequest, type KeyRequest } from '../../src/auth/key-request.js';
import { CodedError } from '../../src/platform/errors.js';
import { newId } from '../../src/platform/ids.js';

const now = new Date('2030-06-01T12:00:00Z');
const facts = { plan: 'free', now } as const;
const agentId = newId('agt');
const account: KeyRequest = { kind: 'ACCOUNT', name: 'Reporting' };
const agent: KeyRequest = { kind: 'AGENT', name: 'Desk', agentId };

const refusalOf = (request: KeyRequest): CodedError => {
  try {
    judgeKeyRequest(request, facts, 'input.');
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
};

describe('a request for a key', () => {
  it.each<[string, KeyRequest, string]>([
    ['a blank name', { ...account, name: '   ' }, 'input.name'],
    ['a name of 101 characters', { ...account, name: 'é'.repeat(101) }, 'input.name'],
    ['a control character in the name', { ...account, name: 'a\u0000b' }, 'input.name'],
    ['an agent on an account key', { ...account, agentId }, 'input.agentId'],
    ['no agent on an agent key', { kind: 'AGENT', name: 'Desk' }, 'input.agentId'],
    ['an agent id of another kind', { ...agent, agentId: newId('ctc') }, 'input.agentId'],
    ['a malformed agent id', { ...agent, agentId: 'agt_1' }, 'input.agentId'],
    ['an empty list of scopes', { ...account, scopes: [] }, 'input.scopes'],
    ['an unknown scope', { ...account, scopes: ['contact:read'] }, 'input.scopes'],
    ['an agent scope on an account key', { ...account, scopes: ['agent:config:read'] }, 'input.scopes'],
    ['an account scope on an agent key', { ...agent, scopes: ['contacts:read'] }, 'input.scopes'],
    ['a scope no key may hold', { ...account, scopes: ['approvals:decide'] }, 'input.scopes'],
    ['everything', { ...account, scopes: ['*'] }, 'input.scopes'],
    ['host bits in a block', { ...account, allowedIps: ['10.0.0.1/8'] }, 'input.allowedIps'],
    ['a short address', { ...account, allowedIps: ['127.1'] }, 'input.allowedIps'],
    ['an octal address', { ...account, allowedIps: ['0177.0.0.1'] }, 'input.allowedIps'],
    ['a zone id', { ...account, allowedIps: ['fe80::1%eth0'] }, 'input.allowedIps'],
    ['101 addresses', { ...account, allowedIps: Array(101).fill('10.0.0.1') }, 'input.allowedIps'],
    ['an expiry in the past', { ...account, expiresAt: new Date('2030-06-01T11:59:59Z') }, 'input.expiresAt'],
    ['an expiry right now', { ...account, expiresAt: now }, 'input.expiresAt'],
    ['an expiry without a time zone', { ...account, expiresAt: '2031-01-01T00:00:00' }, 'input.expiresAt'],
    ['an expiry that does not exist', { ...account, expiresAt: '2031-13-01T00:00:00Z' }, 'input.expiresAt'],
    ['a cap on a key that cannot spend', { ...account, spendCapCredits: 10 }, 'input.spendCapCredits'],
    ['a negative cap', { ...account, scopes: ['messages:send'], spendCapCredits: -1 }, 'input.spendCapCredits'],
    ['half a credit', { ...account, scopes: ['messages:send'], spendCapCredits: 0.5 }, 'input.spendCapCredits'],
    ['a period without a cap', { ...account, spendCapPeriod: 'DAY' }, 'input.spendCapPeriod'],
    ['more requests per minute than the plan', { ...account, rpm: 31 }, 'input.rpm'],
    ['no requests per day', { ...account, rpd: 0 }, 'input.rpd'],
  ])('with %s is refused, naming the field', (_, request, field) => {
    const refusal = refusalOf(request);
    expect(refusal.code).toBe('BAD_USER_INPUT');
    expect(refusal.data).toEqual({ field });
    expect(refusal.message.length).toBeGreaterThan(10);
  });

  it('gets the defaults of its kind', () => {
    expect(judgeKeyRequest(account, facts)).toMatchObject({
      agentId: null,
      scopes: ['account:read', 'agents:read', 'contacts:read'],
      warnings: [],
      allowedIps: [],
      expiresAt: null,
      spendCapCredits: null,
      spendCapPeriod: null,
      rpm: null,
      rpd: null,
    });
    expect(judgeKeyRequest(agent, facts)).toMatchObject({
      agentId,
      scopes: ['agent:activity:read', 'agent:config:read', 'agent:conversations:read'],
    });
  });

  it('is stored canonically and warns of what a wildcard spends', () => {
    const judged = judgeKeyRequest(
      {
        ...account,
        name: '  Sender ',
        scopes: ['read:contacts', '*:messages'],
        allowedIps: ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
        expiresAt: '2030-06-02T00:00:00+02:00',
        spendCapCredits: 50,
        rpm: 5,
      },
      facts,
    );
    expect(judged).toMatchObject({
      name: 'Sender',
      scopes: ['contacts:read', 'messages:*'],
      allowedIps: ['10.0.0.0/8'],
      expiresAt: new Date('2030-06-01T22:00:00Z'),
      spendCapCredits: 50,
      spendCapPeriod: 'LIFETIME',
      rpm: 5,
    });
    expect(judged.warnings).toEqual([expect.stringContaining('messages:send')]);
  });
});

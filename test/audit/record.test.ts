import { describe, expect, it } from 'vitest';
import { type AuditAction, type AuditDetails, auditActions } from '../../src/audit/actions.js';
import { isCommitment, opens } from '../../src/audit/commitment.js';
import { type AuditOrigin, auditRow } from '../../src/audit/record.js';
import { newKeySecret } from '../../src/auth/key-format.js';

const origin: AuditOrigin = {
  principal: { kind: 'ACCOUNT_KEY', id: 'key_1', apiKeyId: 'key_1', agentId: null },
  request: { id: 'req_1', ip: '192.0.2.1', allowedBy: 'contacts:write' },
};

describe('an audit entry', () => {
  it('says who, by which right and from where without being told', () => {
    const row = auditRow(origin, { action: 'contact.create', subjectId: 'ctc_1', details: { fields: ['name'] } });
    expect(row).toMatchObject({
      ...{ action: 'contact.create', outcome: 'DONE', subjectId: 'ctc_1', effectId: null, costCredits: null },
      ...{ actorKind: 'ACCOUNT_KEY', actorId: 'key_1', apiKeyId: 'key_1', agentId: null },
      ...{ allowedBy: 'contacts:write', requestId: 'req_1', ip: '192.0.2.1', details: { fields: ['name'] } },
    });
  });

  it('holds a personal value only as a commitment', () => {
    const { details } = auditRow(origin, {
      action: 'member.create',
      details: { role: 'ADMIN', email: 'ann@example.com' },
    });
    expect(JSON.stringify(details)).not.toContain('ann');
    const promise = details.email;
    expect(isCommitment(promise) && opens(promise, JSON.stringify('ann@example.com'))).toBe(true);
    const again = auditRow(origin, { action: 'member.create', details: { email: 'ann@example.com' } });
    expect(again.details.email).not.toEqual(promise);
  });

  it('refuses a detail that the catalogue does not list', () => {
    const unlisted = { secret: 'x' } as AuditDetails<'contact.create'>;
    expect(() => auditRow(origin, { action: 'contact.create', details: unlisted })).toThrow('has no detail "secret"');
    // @ts-expect-error an action that the catalogue does not list
    const unknown: AuditAction = 'contact.explode';
    expect(unknown in auditActions).toBe(false);
  });

  it('refuses what looks like a secret, wherever it stands', () => {
    const { key } = newKeySecret('ACCOUNT', 'sp');
    for (const value of [key, `see ${key}!`, ['a', key], `whsec_${'A'.repeat(32)}`]) {
      const details = { fields: value };
      expect(() => auditRow(origin, { action: 'contact.create', details })).toThrow('looks like a secret');
    }
  });

  it('names every action by noun and verb', () => {
    for (const action of Object.keys(auditActions)) expect(action).toMatch(/^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Shop, startShop } from './shop.js';

let shop: Shop;
let auditor: Client & { readonly keyId: string };
beforeAll(async () => {
  shop = await startShop();
  auditor = await shop.key('audit:read');
});
afterAll(() => shop?.stop());

const list = `query L($action: String, $outcome: [AuditOutcome!], $actorId: ID, $actorKind: [PrincipalKind!], $subjectId: ID,
    $apiKeyId: ID, $agentId: ID, $requestId: String,
    $since: DateTime, $until: DateTime, $first: Int, $after: String) {
  auditEntries(action: $action, outcome: $outcome, actorId: $actorId, actorKind: $actorKind, subjectId: $subjectId,
      apiKeyId: $apiKeyId, agentId: $agentId, requestId: $requestId,
      since: $since, until: $until, first: $first, after: $after, orderBy: { field: CREATED_AT, direction: ASC }) {
    totalCount pageInfo { endCursor hasNextPage }
    nodes { id action outcome subjectId allowedBy apiKeyId requestId ip details actor { kind id name } createdAt } } }`;

interface Listed {
  readonly auditEntries: {
    readonly totalCount: number;
    readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
    readonly nodes: readonly { readonly id: string; readonly action: string; readonly createdAt: string }[];
  };
}

const create = 'mutation { createContact(input: { name: "Audited" }) { contact { id } } }';

describe('does', () => {
  it('show who did what, by which right, in which request', async () => {
    const client = await shop.key('contacts:write');
    const answer = await client.ask<{ createContact: { contact: { id: string } } }>(create);
    const { id: subjectId } = answer.data.createContact.contact;
    const { auditEntries } = await auditor.data<Listed>(list, { subjectId });
    expect(auditEntries).toMatchObject({
      totalCount: 1,
      nodes: [
        {
          action: 'contact.create',
          outcome: 'DONE',
          subjectId,
          allowedBy: 'contacts:write',
          apiKeyId: client.keyId,
          requestId: answer.headers.get('x-request-id'),
          ip: '127.0.0.1',
          details: { fields: ['name'] },
          actor: { kind: 'ACCOUNT_KEY', id: client.keyId, name: 'test' },
        },
      ],
    });
  });

  it('list by key, agent, request, and every action of a noun', async () => {
    const client = await shop.key('contacts:write');
    const requestId = (await client.ask(create)).headers.get('x-request-id');
    await client.refused('{ contacts { totalCount } }');
    const actions = async (variables: object) =>
      (await auditor.data<Listed>(list, { apiKeyId: client.keyId, ...variables })).auditEntries.nodes.map(
        ({ action }) => action,
      );
    expect(await actions({})).toEqual(['contact.create', 'access.refused']);
    expect(await actions({ requestId })).toEqual(['contact.create']);
    expect(await actions({ action: 'contact.*' })).toEqual(['contact.create']);
    for (const action of ['contac.*', 'con*', '*', 'contact.', 'contact_.*', '%.*', '.*'])
      expect(await actions({ action })).toEqual([]);
    const agentId = newId('agt');
    expect(await actions({ agentId })).toEqual([]);
    await shop.database.owner.auditEntry.updateMany({
      where: { requestId: requestId ?? '' },
      data: { agentId },
    });
    expect(await actions({ agentId })).toEqual(['contact.create']);
  });

  it('list by action, outcome, actor and time', async () => {
    const client = await shop.key('contacts:write');
    const before = new Date().toISOString();
    await client.data(create);
    await client.refused('{ contacts { totalCount } }');
    const actions = async (variables: object) => {
      const { auditEntries } = await auditor.data<Listed>(list, variables);
      expect(auditEntries.totalCount).toBe(auditEntries.nodes.length);
      return auditEntries.nodes.map(({ action }) => action);
    };
    const actorId = client.keyId;
    expect(await actions({ actorId })).toEqual(['contact.create', 'access.refused']);
    expect(await actions({ actorId, outcome: ['REFUSED'] })).toEqual(['access.refused']);
    expect(await actions({ actorId, action: 'contact.create' })).toEqual(['contact.create']);
    expect(await actions({ actorId, actorKind: ['SESSION'] })).toEqual([]);
    expect(await actions({ actorId, since: before })).toHaveLength(2);
    expect(await actions({ actorId, until: before })).toEqual([]);
    expect(await actions({ actorKind: ['SYSTEM'], action: 'apiKey.create' })).not.toHaveLength(0);
  });

  it('give the same entry by its id and by node', async () => {
    const { id } = await shop.lastEntry('apiKey.create');
    expect(await auditor.data('query R($id: ID!) { auditEntry(id: $id) { id action } }', { id })).toEqual({
      auditEntry: { id, action: 'apiKey.create' },
    });
    expect(await auditor.data('query N($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ node: { id } });
  });

  it('page under a filter of time, with a cursor that is bound to it', async () => {
    const since = '2020-01-01T00:00:00Z';
    const first = (await auditor.data<Listed>(list, { since, first: 1 })).auditEntries;
    expect(first.pageInfo.hasNextPage).toBe(true);
    const after = first.pageInfo.endCursor;
    const second = (await auditor.data<Listed>(list, { since, first: 1, after })).auditEntries;
    expect(second.nodes[0]?.id).not.toBe(first.nodes[0]?.id);
    const other = await auditor.refused(list, { since: '2021-01-01T00:00:00Z', first: 1, after });
    expect(other.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
  });
});

describe('refuses', () => {
  it('every key that was not given audit:read by name, and a MEMBER', async () => {
    const wide = await shop.key('*:read');
    const member = await shop.signIn(await shop.addPerson('MEMBER'));
    for (const client of [wide, member]) {
      const refused = await client.refused('{ auditEntries { totalCount } }');
      expect(refused).toMatchObject({ status: 403, extensions: { missingScopes: ['audit:read'] } });
    }
    const admin = await shop.signIn(await shop.addPerson('ADMIN'));
    expect((await admin.ask('{ auditEntries { totalCount } }')).errors).toEqual([]);
  });
});

describe('isolates', () => {
  it('the trail of another workspace', async () => {
    const there = await shop.signIn(shop.elsewhere);
    await there.data(create);
    const foreign = await shop.database.owner.auditEntry.findFirstOrThrow({
      where: { workspaceId: shop.elsewhere.workspaceId, action: 'contact.create' },
    });
    await shop.looksUnknown(foreign.id, (id) =>
      auditor.ask('query R($id: ID!) { auditEntry(id: $id) { action } }', { id }),
    );
    for (const variables of [{ actorId: shop.elsewhere.userId }, { subjectId: foreign.subjectId }]) {
      expect(await auditor.data<Listed>(list, variables)).toMatchObject({ auditEntries: { totalCount: 0, nodes: [] } });
    }
  });
});

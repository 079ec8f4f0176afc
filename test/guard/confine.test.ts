import { describe, expect, it } from 'vitest';
import { getDatamodel } from '../../src/generated/pothos-types.js';
import { Prisma } from '../../src/generated/prisma/client.js';
import { confine, GuardRefusal } from '../../src/guard/confine.js';
import {
  columnOf,
  type Model,
  requireEveryModelClassified,
  type Tenant,
  tableOf,
  tenancy,
} from '../../src/guard/tenancy.js';

const tenant: Tenant = { organizationId: 'org_1', workspaceId: 'wsp_1', agentId: null };
const agentTenant = { ...tenant, agentId: 'agt_1' };
const inOurs = { AND: [{ workspaceId: 'wsp_1' }] };
const run = (model: Model, operation: string, args: unknown, as = tenant) =>
  confine(model, operation, args, as, 'both');

describe('reads', () => {
  it('gain the workspace condition, whatever the caller put beside it', () => {
    expect(run('Contact', 'findMany', undefined)).toEqual({ where: inOurs });
    expect(run('Contact', 'findFirst', { where: { id: 'ctc_1', AND: { name: 'x' }, workspaceId: 'wsp_2' } })).toEqual({
      where: { id: 'ctc_1', workspaceId: 'wsp_2', AND: [{ name: 'x' }, { workspaceId: 'wsp_1' }] },
    });
  });

  it('keep an OR of the caller inside the condition', () => {
    const { where } = run('Contact', 'findMany', { where: { OR: [{ id: 'a' }, { workspaceId: 'wsp_2' }] } });
    expect(where).toMatchObject({ AND: [{ workspaceId: 'wsp_1' }] });
  });

  it('confine every nested list and count, at any depth', () => {
    const args = run('Conversation', 'findMany', {
      include: {
        contact: { include: { conversations: { where: { id: 'c' } } } },
        _count: { select: { messages: true } },
      },
    });
    expect(args).toMatchObject({
      include: {
        contact: { include: { conversations: { where: { id: 'c', AND: [{ workspaceId: 'wsp_1' }] } } } },
        _count: { select: { messages: { where: inOurs } } },
      },
    });
  });

  it('show an agent key the rows of its agent and nothing of people', () => {
    expect(run('Conversation', 'findMany', {}, agentTenant).where).toEqual({
      AND: [{ AND: [{ workspaceId: 'wsp_1' }, { agentId: 'agt_1' }] }],
    });
    expect(run('Contact', 'findMany', {}, agentTenant).where).toEqual({
      AND: [{ AND: [{ workspaceId: 'wsp_1' }, { workspaceId: { in: [] } }] }],
    });
  });

  it('of an organization know the organization, and offer no filter through its workspaces', () => {
    expect(run('Member', 'findMany', {}).where).toEqual({ AND: [{ organizationId: 'org_1' }] });
    expect(() => run('Organization', 'findFirst', { where: { workspaces: { some: { name: 'x' } } } })).toThrow(
      GuardRefusal,
    );
  });

  it('refuse the models that belong to no workspace, also as a relation', () => {
    for (const model of ['User', 'Session', 'Account', 'Verification', 'ApiKeySecret'] as const) {
      expect(() => run(model, 'findMany', {})).toThrow(GuardRefusal);
    }
  });

  it('refuse a count that names no relation, since it would count all of them', () => {
    expect(() => run('Agent', 'findMany', { include: { _count: true } })).toThrow(GuardRefusal);
  });
});

describe('writes', () => {
  it('set the workspace of new rows', () => {
    expect(run('Contact', 'create', { data: { id: 'a' } }).data).toEqual({ id: 'a', workspaceId: 'wsp_1' });
    expect(run('Contact', 'createMany', { data: [{ id: 'a' }, { id: 'b' }] }).data).toEqual([
      { id: 'a', workspaceId: 'wsp_1' },
      { id: 'b', workspaceId: 'wsp_1' },
    ]);
  });

  it.each([
    ['create', { data: { id: 'a', workspaceId: 'wsp_2' } }],
    ['update', { where: { id: 'a' }, data: { workspaceId: 'wsp_2' } }],
    ['upsert', { where: { id: 'a' }, create: { workspaceId: 'wsp_2' }, update: {} }],
    ['upsert', { where: { id: 'a' }, create: {}, update: { workspaceId: 'wsp_2' } }],
    ['updateMany', { data: { workspaceId: 'wsp_2' } }],
    [
      'update',
      { where: { id: 'a' }, data: { agent: { connect: { workspaceId_id: { workspaceId: 'wsp_2', id: 'x' } } } } },
    ],
    ['create', { data: { id: 'a', messages: { create: [{ id: 'm' }] } } }],
    ['update', { where: { id: 'a' }, data: { workspace: { update: { name: 'x' } } } }],
  ])('refuse an owner or a relation given in %s %#', (operation, args) => {
    expect(() => run('Conversation', operation, args)).toThrow(GuardRefusal);
  });

  it('choose rows of the workspace only', () => {
    for (const operation of ['update', 'updateMany', 'updateManyAndReturn', 'delete', 'deleteMany', 'upsert']) {
      expect(run('Contact', operation, { where: { id: 'a' } }).where).toEqual({ id: 'a', ...inOurs });
    }
  });

  it('hold an agent key to its agent', () => {
    expect(run('Conversation', 'create', { data: { id: 'a' } }, agentTenant).data).toMatchObject({
      agentId: 'agt_1',
    });
    expect(() => run('Conversation', 'create', { data: { agentId: 'agt_2' } }, agentTenant)).toThrow(GuardRefusal);
  });

  it('leave workspaces, organizations and members to the system', () => {
    expect(() => run('Workspace', 'update', { where: { id: 'wsp_1' }, data: { name: 'x' } })).toThrow(GuardRefusal);
    expect(() => run('Member', 'updateMany', { data: { role: 'OWNER' } })).toThrow(GuardRefusal);
  });
});

describe('every model', () => {
  it('is classified, and an unclassified one stops the start', () => {
    expect(() => requireEveryModelClassified()).not.toThrow();
    const { Contact: _, ...rest } = tenancy;
    expect(() => requireEveryModelClassified(rest)).toThrow(/Contact/);
  });

  it('has its owner in its primary key, in every unique constraint and in every reference', () => {
    const models = getDatamodel().datamodel.models;
    for (const [name, model] of Object.entries(models)) {
      const ownership = tenancy[name as Model];
      if (ownership.owner === 'global' || ownership.field === 'id') continue;
      const uniques = [model.primaryKey, ...model.uniqueIndexes].filter((key) => key !== null);
      for (const key of uniques) expect(key.fields, `${name} unique`).toContain(ownership.field);
      for (const field of model.fields) {
        if (field.isUnique) expect(field.name, `${name} unique`).toBe(ownership.field);
        if (field.kind === 'object' && field.relationFromFields?.length) {
          expect(field.relationFromFields, `${name}.${field.name}`).toContain(ownership.field);
        }
      }
    }
  });

  it('maps to the snake_case table and columns that bound SQL names', () => {
    for (const name of Object.values(Prisma.ModelName)) expect(tableOf(name)).toMatch(/^[a-z_]+$/);
    expect([tableOf('ApiKeySecret'), columnOf('workspaceId'), columnOf('lastUsedIp')]).toEqual([
      'api_key_secret',
      'workspace_id',
      'last_used_ip',
    ]);
  });
});

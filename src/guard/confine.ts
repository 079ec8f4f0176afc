// The arguments of one Prisma call, rewritten so that they can touch one workspace only. Pure: it walks them by the
// datamodel, adds the owner's condition wherever rows are chosen, sets the owner wherever rows are made, and refuses
// what it cannot vouch for: a `connect` through a relation once moved a row into another workspace without an error.
import { type Model, type Ownership, relationsOf, type Tenant, tenancy, type Walls } from './tenancy.js';

type Args = Readonly<Record<string, unknown>>;

const chooses = new Set([
  ...['findUnique', 'findUniqueOrThrow', 'findFirst', 'findFirstOrThrow', 'findMany', 'count', 'aggregate', 'groupBy'],
  ...['update', 'updateMany', 'updateManyAndReturn', 'upsert', 'delete', 'deleteMany'],
]);

/** A caller inside the house did what the guard forbids: a defect, never an answer to a request. */
export class GuardRefusal extends Error {
  override readonly name = 'GuardRefusal';
}

const refuse = (model: Model, what: string): never => {
  throw new GuardRefusal(`The guard refuses ${model}: ${what}.`);
};

export function confine(model: Model, operation: string, args: unknown, tenant: Tenant, walls: Walls): Args {
  const given = asArgs(args);
  const ownership = tenancy[model];
  if (ownership.owner === 'global') refuse(model, 'its rows belong to no workspace');
  const confined: Record<string, unknown> = { ...given };
  if (chooses.has(operation)) {
    confined.where = confineWhere(model, asArgs(given.where), tenant, walls);
  }
  for (const key of ['data', 'create', 'update']) {
    if (!(key in given)) continue;
    const isNew = key === 'create' || (key === 'data' && operation.startsWith('create'));
    confined[key] = confineData(model, ownership, given[key], isNew, tenant);
  }
  confineSelection(model, confined, tenant, walls);
  return confined;
}

/** The condition that a row belongs to the tenant; undefined where nothing narrows it. */
export function ownerCondition(model: Model, tenant: Tenant): Args {
  const ownership = tenancy[model];
  if (ownership.owner === 'global') return refuse(model, 'its rows belong to no workspace');
  if (ownership.owner === 'organization') return { [ownership.field]: tenant.organizationId };
  const condition: Record<string, unknown> = { [ownership.field]: tenant.workspaceId };
  if (tenant.agentId === null || ownership.agent === 'any') return condition;
  if (ownership.agent === 'none') return { AND: [condition, { [ownership.field]: { in: [] } }] };
  return { AND: [condition, { [ownership.agent]: tenant.agentId }] };
}

function confineWhere(model: Model, where: Args, tenant: Tenant, walls: Walls): Args {
  requirePlainWhere(model, where);
  if (walls === 'rls-only') return where;
  const { AND, ...unique } = where;
  const further = AND === undefined ? [] : Array.isArray(AND) ? AND : [AND];
  // The unique part stays at the top, where Prisma looks for it; conditions that could be overwritten go into AND.
  return { ...unique, AND: [...further, ownerCondition(model, tenant)] };
}

/** From an organization's rows a relation filter could ask about other workspaces, so it is not offered there. */
function requirePlainWhere(model: Model, where: Args): void {
  for (const [key, value] of Object.entries(where)) {
    if (key === 'AND' || key === 'OR' || key === 'NOT') {
      for (const part of Array.isArray(value) ? value : [value]) requirePlainWhere(model, asArgs(part));
      continue;
    }
    const relation = relationsOf(model).get(key);
    if (relation === undefined) continue;
    if (tenancy[model].owner !== 'workspace' || tenancy[relation.model].owner === 'global') {
      refuse(model, `a filter through the relation "${key}"`);
    }
    for (const nested of Object.values(asArgs(value))) requirePlainWhere(relation.model, asArgs(nested));
  }
}

function confineData(model: Model, ownership: Ownership, data: unknown, isNew: boolean, tenant: Tenant): unknown {
  if (Array.isArray(data)) return data.map((row) => confineData(model, ownership, row, isNew, tenant));
  if (ownership.owner !== 'workspace' || ownership.field === 'id') {
    return refuse(model, 'it is written as the system, not from inside a workspace');
  }
  const row = asArgs(data);
  for (const key of Object.keys(row)) {
    if (relationsOf(model).has(key)) refuse(model, `a write through the relation "${key}"; give the id instead`);
    if (key === ownership.field) refuse(model, `"${key}" is not the caller's to give`);
  }
  const agentField = ownership.agent === 'agentId' ? 'agentId' : null;
  if (tenant.agentId !== null && agentField !== null) {
    const named = row[agentField];
    if (named !== undefined && named !== tenant.agentId) refuse(model, 'an agent key writes for its own agent only');
    if (isNew) return { ...row, [ownership.field]: tenant.workspaceId, [agentField]: tenant.agentId };
  }
  return isNew ? { ...row, [ownership.field]: tenant.workspaceId } : row;
}

function confineSelection(model: Model, args: Record<string, unknown>, tenant: Tenant, walls: Walls): void {
  for (const key of ['select', 'include']) {
    const selection = args[key];
    if (selection === null || typeof selection !== 'object') continue;
    const confined: Record<string, unknown> = { ...selection };
    for (const [name, value] of Object.entries(selection)) {
      if (name === '_count') {
        confined[name] = confineCount(model, value, tenant, walls);
        continue;
      }
      const relation = relationsOf(model).get(name);
      if (relation === undefined || value === false || value === undefined) continue;
      confined[name] = confineRelation(relation.model, relation.isList, value, tenant, walls);
    }
    args[key] = confined;
  }
}

function confineRelation(model: Model, isList: boolean, value: unknown, tenant: Tenant, walls: Walls): unknown {
  if (tenancy[model].owner === 'global') refuse(model, 'it is not reachable from a workspace');
  const nested: Record<string, unknown> = value === true ? {} : { ...asArgs(value) };
  // A row's single relation shares its workspace by the composite foreign key; a list has its own condition.
  if (isList) nested.where = confineWhere(model, asArgs(nested.where), tenant, walls);
  confineSelection(model, nested, tenant, walls);
  return Object.keys(nested).length === 0 ? true : nested;
}

function confineCount(model: Model, value: unknown, tenant: Tenant, walls: Walls): unknown {
  const select = asArgs(asArgs(value).select);
  if (Object.keys(select).length === 0) refuse(model, 'a _count that names no relation');
  const confined: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(select)) {
    const relation = relationsOf(model).get(name);
    if (relation === undefined) return refuse(model, `a _count of "${name}"`);
    confined[name] = { where: confineWhere(relation.model, asArgs(asArgs(part).where), tenant, walls) };
  }
  return { select: confined };
}

const asArgs = (value: unknown): Args => (value !== null && typeof value === 'object' ? (value as Args) : {});

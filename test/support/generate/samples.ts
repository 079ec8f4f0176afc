// Valid values for what operations are sent with: ids by the argument's name, the rest by type. Where neither can tell,
// a line in one of the tables below does; a value that nobody knows is an error that names its coordinate.
import { randomBytes } from 'node:crypto';
import {
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { newId } from '../../../src/platform/ids.js';
import {
  plantChat,
  plantDecided,
  plantDraft,
  plantEffect,
  plantInbox,
  plantInvitation,
  plantKey,
  plantMember,
  plantPause,
  plantRule,
  plantSession,
  plantWaitingMessage,
} from '../plant.js';
import type { Asker, Owner, Rows, SeededWorkspace } from '../world.js';
import type { Operation, Sent } from './operations.js';
import { planOf, toPlan } from './planning.js';

/** Something that an id names; made anew where asking uses it up. `seal` goes with an effect. */
export interface Thing {
  readonly id: string;
  readonly seal?: string;
}

export interface Making {
  readonly owner: Owner;
  readonly site: SeededWorkspace;
  readonly asker: Asker;
  /** For what only reads: a thing that was made once for this asker is good for ever. */
  readonly kept?: Map<string, Promise<Thing>>;
}

const made: Readonly<Record<string, (making: Making) => Promise<Thing>>> = {
  chat: async ({ owner, site }) => ({ id: await plantChat(owner, site) }),
  draft: async ({ owner, site }) => ({ id: await plantDraft(owner, site) }),
  freeKey: async ({ owner, site }) => ({ id: await plantKey(owner, site) }),
  suspendedKey: async ({ owner, site }) => ({ id: await plantKey(owner, site, 'SUSPENDED') }),
  freeMember: async ({ owner, site }) => ({ id: await plantMember(owner, site) }),
  openInvitation: async ({ owner, site }) => ({ id: await plantInvitation(owner, site) }),
  ownSession: async ({ owner, site, asker }) => ({ id: await plantSession(owner, site, asker) }),
  freeInbox: async ({ owner, site }) => ({ id: await plantInbox(owner, site) }),
  ownEffect: ({ owner, site, asker }) => plantDecided(owner, site, asker),
  ruleToChange: async ({ owner, site }) => ({ id: await plantRule(owner, site, site.canary) }),
  pauseToEnd: async ({ owner, site }) => ({ id: await plantPause(owner, site, site.canary) }),
  effectToAmend: ({ owner, site }) => plantWaitingMessage(owner, site),
  uncertainEffect: ({ owner, site: { workspaceId, canary }, asker }) =>
    plantEffect(owner, workspaceId, { asker, canary, status: 'UNCERTAIN' }),
  /** Approved calls that show a secret, as `inputFor` repeats them. */
  approvedCreation: ({ owner, site: { workspaceId, canary }, asker }) => {
    const payload = { kind: 'ACCOUNT', name: 'sample name', subjectId: newId('key') };
    const held = { kind: 'apiKey.create', payload };
    const approved = { status: 'QUEUED', requirement: 'NONE', scopes: ['role:ADMIN'] } as const;
    return plantEffect(owner, workspaceId, { asker, canary, held, ...approved });
  },
  approvedRotation: ({ owner, site: { workspaceId, canary, rows }, asker }) => {
    // What an agent's key asks for names nothing beyond its agent.
    const id = asker.agentId === null ? rows.ApiKey : rows.agentKey;
    const held = { kind: 'apiKey.rotate', payload: { id } };
    const approved = { status: 'QUEUED', requirement: 'NONE', scopes: ['role:ADMIN'] } as const;
    return plantEffect(owner, workspaceId, { asker, canary, held, ...approved });
  },
  effectToConfirm: ({ owner, site: { workspaceId, canary }, asker }) =>
    plantEffect(owner, workspaceId, { asker, canary, requirement: 'CONFIRM' }),
  effectToDecide: ({ owner, site: { workspaceId, canary, rows } }) =>
    plantEffect(owner, workspaceId, { asker: { kind: 'ACCOUNT_KEY', id: rows.ApiKey, agentId: rows.Agent }, canary }),
};

/** What belongs to the organization or to a person: the same thing in every workspace of one organization. */
export const ofOrganization: ReadonlySet<string> = new Set([
  ...['Member', 'freeMember', 'Invitation', 'openInvitation', 'ownSession', 'User', 'Organization'],
  'OrganizationAuditEntry',
]);

/** What an id names, where its name or the answer's type does not say it. By coordinate, then by name. */
const thingsByPlace: Readonly<Record<string, string>> = {
  'Query.effect(id:)': 'ownEffect',
  'Query.node(id:) Effect': 'ownEffect',
  'Query.nodes(ids:) Effect': 'ownEffect',
  'Subscription.effectUpdated(id:)': 'ownEffect',
  'PauseAgentInput.id': 'spareAgent',
  'ResumeAgentInput.id': 'spareAgent',
  'UpdateAgentInput.id': 'Agent',
  'UpdateContactInput.id': 'Contact',
  'EraseContactInput.id': 'otherContact',
  'MergeContactsInput.id': 'Contact',
  'MergeContactsInput.duplicateId': 'otherContact',
  'UpdateDraftInput.id': 'draft',
  'DeleteDraftInput.id': 'draft',
  'UpdateInboxInput.id': 'Inbox',
  'DeleteInboxInput.id': 'freeInbox',
  'SendMessageInput.messageId': 'draft',
  'TriggerAgentInput.conversationId': 'chat',
  'CreateApiKeyInput.agentId': 'Agent',
  'UpdateApiKeyInput.id': 'freeKey',
  'RotateApiKeyInput.id': 'ApiKey',
  'RotateApiKeyInput.effectId': 'approvedRotation',
  'CreateApiKeyInput.effectId': 'approvedCreation',
  'SuspendApiKeyInput.id': 'freeKey',
  'ResumeApiKeyInput.id': 'suspendedKey',
  'RevokeApiKeyInput.id': 'freeKey',
  'DeleteApiKeyInput.id': 'freeKey',
  'UpdateMemberInput.id': 'freeMember',
  'RemoveMemberInput.id': 'freeMember',
  'TransferOwnershipInput.memberId': 'freeMember',
  'RevokeInvitationInput.id': 'openInvitation',
  'EndSessionInput.id': 'ownSession',
  'ApproveEffectInput.effectId': 'effectToDecide',
  'RejectEffectInput.effectId': 'effectToDecide',
  'ConfirmEffectInput.effectId': 'effectToConfirm',
  'CancelEffectInput.effectId': 'ownEffect',
  'EffectDecisionInput.effectId': 'effectToDecide',
  'EffectRejectionInput.effectId': 'effectToDecide',
  'AmendEffectInput.effectId': 'effectToAmend',
  'SettleEffectInput.effectId': 'uncertainEffect',
  'ResumeEffectsInput.pauseId': 'pauseToEnd',
  'UpdateApprovalRuleInput.id': 'ruleToChange',
  'DeleteApprovalRuleInput.id': 'ruleToChange',
  'Query.organizationAuditEntries(subjectId:)': 'Member',
  subjectId: 'Contact',
  actorId: 'User',
};

/** What is sent beside the required fields, so that the mutation has something to do. */
const companions: Readonly<Record<string, readonly string[]>> = {
  SendMessageInput: ['conversationId', 'body'],
  UpdateApiKeyInput: ['name'],
  'SendMessageInput.contactId': ['body', 'inboxId'],
  'SendMessageInput.messageId': [],
};

/** Values that the type cannot tell. */
const values: Readonly<Record<string, (making: Making) => unknown>> = {
  'Query.fieldAccess(coordinates:)': () => ['Query.me'],
  // An action, an effect and a condition, so that every field of the answer has something to tell.
  'Query.explainAccess(document:)': () =>
    'mutation ($full: Boolean!) { createContact(input: { name: "A" }) { contact { id name @include(if: $full) } } ' +
    `sendMessage(input: { messageId: "\${newId('msg')}" }) { messageId } }`,
  'Query.planOperation(document:)': toPlan,
  'PerformPlanInput.planId': planOf,
  'CreateInboxInput.address': () => `${newId('inb')}@example.com`,
  'InviteMemberInput.email': () => `${newId('inv')}@example.com`,
  'CreateInboxInput.channel': () => 'EMAIL',
  'TriggerAgentInput.mode': () => 'CHAT',
  'AmendEffectInput.changes': () => ({ body: 'Another text.' }),
  // One that holds nothing of what the others ask for.
  'CreateApprovalRuleInput.when': () => ({ kinds: ['campaign.start'] }),
  'SimulateApprovalInput.kind': () => 'message.send',
  'PauseEffectsInput.kind': () => 'agent.trigger',
  'CreateApiKeyInput.kind with agentId': () => 'AGENT',
  'ApiKeyFormatInput.prefix': () => 'sample_',
  'ApiKeyFormatInput.length': () => 47,
  'ApiKeyFormatInput.alphabet': () => '0123456789abcdef',
  'ImportedApiKeyInput.hash': () => randomBytes(32).toString('hex'),
};

/** Mutations after which nobody can go on in the workspace they were asked in: each is asked in one of its own. */
const endings = new Set(['suspendWorkspace', 'deleteWorkspace']);
export const endsWorkspace = ({ steps }: Operation): boolean => endings.has(steps[0]?.field.name ?? '');

/** The one mutation that only a key may ask for, and that ends it. */
export const endsItself = ({ steps }: Operation): boolean => steps[0]?.field.name === 'revokeSelf';

/** Names the kind of thing that an id at this place stands for. */
export function thingAt(coordinate: string, name: string, answerType: string | null): string {
  const byPlace = thingsByPlace[`${coordinate} ${answerType}`] ?? thingsByPlace[coordinate] ?? thingsByPlace[name];
  if (byPlace !== undefined) return byPlace;
  const named = name === 'id' || name === 'ids' ? answerType : name.replace(/Ids?$/, '').replace(/^./, upper);
  if (named === null || named === '')
    throw new Error(`No sample id for ${coordinate}; see test/support/generate/samples.ts.`);
  return named;
}

const upper = (letter: string): string => letter.toUpperCase();

export async function make(kind: string, making: Making): Promise<Thing> {
  const maker = made[kind];
  if (maker !== undefined) {
    const name = `${making.asker.id} ${making.site.canary} ${kind}`;
    const thing = making.kept?.get(name) ?? maker(making);
    making.kept?.set(name, thing);
    return thing;
  }
  const { rows } = making.site;
  // An agent key has no spare agent, only its own.
  if (kind === 'spareAgent' && making.asker.agentId !== null) return { id: rows.Agent };
  if (!isRow(rows, kind)) throw new Error(`No sample for ${kind}; see test/support/generate/samples.ts.`);
  return { id: rows[kind] };
}

const isRow = (rows: Rows, kind: string): kind is keyof Rows => kind in rows;

/** An id in the arguments of an operation: where it stands and what it names. */
export interface IdPlace {
  readonly coordinate: string;
  readonly variable: string;
  /** The field of the input object; null for a plain argument. */
  readonly inputField: string | null;
  readonly thing: string;
}

/** The value of every variable. `inputField` also fills that field of the input, with what has to go with it. */
export async function variablesFor(
  sent: readonly Sent[],
  nodeType: string | null,
  making: Making,
  inputField: string | null = null,
): Promise<Record<string, unknown>> {
  const variables: Record<string, unknown> = {};
  for (const { variable, argument, coordinate, field } of sent) {
    const answer = getNamedType(field.type);
    const answerType = nodeType ?? (isObjectType(answer) ? answer.name : null);
    const place = { coordinate, name: argument.name, answerType, inputField };
    variables[variable] = await valueFor(argument.type, place, making);
  }
  return variables;
}

interface Place {
  readonly coordinate: string;
  readonly name: string;
  readonly answerType: string | null;
  readonly inputField: string | null;
}

async function valueFor(type: GraphQLInputType, place: Place, making: Making): Promise<unknown> {
  const given = values[`${place.coordinate} with ${place.inputField}`] ?? values[place.coordinate];
  if (given !== undefined) return given(making);
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [await valueFor(nullable.ofType, place, making)];
  if (isInputObjectType(nullable)) return inputFor(nullable, place, making);
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name;
  switch (nullable.name) {
    case 'ID':
      return (await make(thingAt(place.coordinate, place.name, place.answerType), making)).id;
    case 'String':
      return `sample ${place.name}`;
    case 'Boolean':
      return true;
    case 'Int':
      return 1;
    default:
      throw new Error(`No sample for ${place.coordinate}; see test/support/generate/samples.ts.`);
  }
}

async function inputFor(
  type: Extract<GraphQLInputType, { getFields(): unknown }>,
  place: Place,
  making: Making,
): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = {};
  const { inputField } = place;
  const beside = companions[`${type.name}.${inputField}`] ?? companions[type.name] ?? [];
  let sealed: Thing | null = null;
  for (const field of Object.values(type.getFields())) {
    const coordinate = `${type.name}.${field.name}`;
    if (!isNonNullType(field.type) && field.name !== inputField && !beside.includes(field.name)) continue;
    if (getNamedType(field.type).name !== 'ID') {
      const inner = { coordinate, name: field.name, answerType: null, inputField };
      input[field.name] = await valueFor(field.type, inner, making);
      continue;
    }
    const thing = await make(thingAt(coordinate, field.name, null), making);
    input[field.name] = thing.id;
    if (thing.seal !== undefined) sealed = thing;
  }
  if ('seal' in input && sealed !== null) input.seal = sealed.seal;
  return input;
}

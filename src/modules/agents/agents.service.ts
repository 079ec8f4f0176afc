import { z } from 'zod';
import type { World } from '../../effects/world.js';
import type { Agent } from '../../generated/prisma/client.js';
import { rowKey } from '../../guard/guarded-db.js';
import { conflict, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { given, requireValid } from '../../platform/validation.js';

const name = z
  .string()
  .trim()
  .min(1, 'give a name')
  .max(100, 'at most 100 characters')
  .regex(/^[^\r\n]*$/, 'a name is one line');
const instructions = z.string().max(20_000, 'at most 20,000 characters');
const agentFields = z.object({
  description: z.string().trim().max(1_000, 'at most 1,000 characters').nullish(),
  model: z.string().trim().min(1, 'give a model name').max(100, 'at most 100 characters').nullish(),
});
const newAgent = agentFields.extend({ name, instructions });
const agentPatch = agentFields.extend({ name: name.optional(), instructions: instructions.optional() });

export type AgentsService = ReturnType<typeof agentsService>;

/** The agents of a workspace: who they are, what they are told, whether they may act. */
export const agentsService = ({ db, audit, events }: World) => ({
  async create(input: unknown, id = newId('agt')): Promise<Agent> {
    const data = requireValid(newAgent, input);
    const agent = await db.agent.create({ data: { id, ...given(data) } });
    await audit.record({ action: 'agent.create', subjectId: id, details: { fields: Object.keys(given(data)) } });
    await events.emit('agent.created', id, {});
    return agent;
  },

  async update(id: string, input: unknown): Promise<Agent> {
    const patch = given(requireValid(agentPatch, input));
    await this.get(id);
    const agent = await db.agent.update({ where: rowKey(db, id), data: patch });
    await audit.record({ action: 'agent.update', subjectId: id, details: { fields: Object.keys(patch) } });
    await events.emit('agent.updated', id, {});
    return agent;
  },

  /** Doing it twice is harmless: the second time changes nothing but leaves its own audit entry. */
  async pause(id: string): Promise<Agent> {
    await this.get(id);
    const agent = await db.agent.update({ where: rowKey(db, id), data: { status: 'PAUSED' } });
    await audit.record({ action: 'agent.pause', subjectId: id });
    await events.emit('agent.updated', id, {});
    return agent;
  },

  async resume(id: string): Promise<Agent> {
    await this.get(id);
    const agent = await db.agent.update({ where: rowKey(db, id), data: { status: 'ACTIVE' } });
    await audit.record({ action: 'agent.resume', subjectId: id });
    await events.emit('agent.updated', id, {});
    return agent;
  },

  async find(id: string): Promise<Agent | null> {
    return db.agent.findFirst({ where: { id } });
  },

  /** @throws NOT_FOUND for an id that is unknown here. */
  async get(id: string): Promise<Agent> {
    const agent = await this.find(id);
    if (agent === null) throw notFound('agent');
    return agent;
  },

  /** @throws CONFLICT when the agent is paused: it neither speaks nor is spoken through. */
  async requireActive(id: string): Promise<Agent> {
    const agent = await this.get(id);
    if (agent.status === 'PAUSED') throw conflict('The agent is paused. Resume it with resumeAgent, then ask again.');
    return agent;
  },
});

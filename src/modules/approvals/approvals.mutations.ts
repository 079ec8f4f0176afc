import { builder } from '../../graphql/builder.js';
import { Effect } from './approvals.schema.js';

const idAndSeal = {
  effectId: 'The effect to decide on.',
  seal: 'The seal that was read with it; another one is refused, and nothing changes.',
};

builder.mutationFields((t) => ({
  approveEffect: t.action({
    description: 'Agree to exactly what was sealed. Nobody approves an own request, and a key never approves.',
    role: 'ADMIN',
    action: 'effect.approve',
    fresh: true,
    input: (i) => ({
      effectId: i.id({ required: true, description: idAndSeal.effectId }),
      seal: i.string({ required: true, description: idAndSeal.seal }),
      comment: i.string({ required: false, description: 'At most 2,000 characters, kept with the decision.' }),
    }),
    payload: (p) => ({
      effect: p.field({ type: Effect, authenticated: true, description: 'The effect as it is now.' }),
    }),
    resolve: async (input, _services, world) => ({ effect: await world.effects.approve(input) }),
  }),

  rejectEffect: t.action({
    description: 'Refuse an effect; its credits are released.',
    role: 'ADMIN',
    action: 'effect.reject',
    input: (i) => ({
      effectId: i.id({ required: true, description: idAndSeal.effectId }),
      reason: i.string({ required: false, description: 'What the requester is told; at most 2,000 characters.' }),
    }),
    payload: (p) => ({
      effect: p.field({ type: Effect, authenticated: true, description: 'The effect as it is now.' }),
    }),
    resolve: async (input, _services, world) => ({ effect: await world.effects.reject(input) }),
  }),

  confirmEffect: t.action({
    description: 'Confirm an own request, where its rule asks for no more than that.',
    authenticated: true,
    action: 'effect.confirm',
    input: (i) => ({
      effectId: i.id({ required: true, description: idAndSeal.effectId }),
      seal: i.string({ required: true, description: idAndSeal.seal }),
    }),
    payload: (p) => ({
      effect: p.field({ type: Effect, authenticated: true, description: 'The effect as it is now.' }),
    }),
    resolve: async (input, _services, world) => ({ effect: await world.effects.confirm(input) }),
  }),

  cancelEffect: t.action({
    description: 'Take an own request back before it leaves; an ADMIN takes back any.',
    authenticated: true,
    action: 'effect.cancel',
    input: (i) => ({ effectId: i.id({ required: true, description: 'The effect to take back.' }) }),
    payload: (p) => ({
      effect: p.field({ type: Effect, authenticated: true, description: 'The effect as it is now.' }),
    }),
    resolve: async (input, _services, world) => ({ effect: await world.effects.cancel(input) }),
  }),
}));

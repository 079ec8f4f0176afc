// What the engine is given by app.ts: the definitions, the rules, and how to find out who asked. Ports, so that effects/
// knows no domain, no provider and no table of keys.
import type { Principal } from '../auth/principal.js';
import type { Effect } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import type { ApprovalRule, RuleVerdict } from './approval-policy.js';
import type { EffectDefinition } from './define-effect.js';
import type { World } from './world.js';

/** Carries out an action that was held. */
export interface ActionPerformer {
  /** Why its transaction is the owner's; null: it is the workspace's. */
  readonly asSystem: string | null;
  /** Its requester performs it (redeem.ts), and no worker. */
  readonly showsSecret: boolean;
  /** In the transaction of `world`. What it returns is kept as the effect's result. */
  run(input: unknown, world: World): Promise<unknown>;
}

export interface EffectDeps {
  readonly definitions: ReadonlyMap<string, EffectDefinition>;
  /** Null for an action nobody knows how to carry out any more. */
  actionPerformer(action: string): ActionPerformer | null;
  /** The rules in force in the handle's workspace, the first match decides. */
  rulesOf(db: GuardedDb): Promise<readonly ApprovalRule[]>;
  /** What a rule said at one version, also one that is gone by now; null when it never was. */
  ruleAt(db: GuardedDb, id: string, version: number): Promise<ApprovalRule | null>;
  /**
   * Whoever asked, with today's scopes and role.
   * @throws a coded refusal: revoked, expired, suspended, no longer a member
   */
  requesterOf(effect: Effect, db: GuardedDb): Promise<Principal>;
  /** Hears what the rules said of a request, whether they hold it or not. */
  judged?(verdict: RuleVerdict): void;
}

/** @throws when two definitions claim one kind */
export function effectRegistry(definitions: readonly EffectDefinition[]): ReadonlyMap<string, EffectDefinition> {
  const registry = new Map<string, EffectDefinition>();
  for (const definition of definitions) {
    if (registry.has(definition.kind)) throw new Error(`The effect ${definition.kind} is defined twice.`);
    registry.set(definition.kind, definition);
  }
  return registry;
}

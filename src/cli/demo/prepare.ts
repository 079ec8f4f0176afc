// What the walk needs: an owner, a workspace with something in it, and keys. Safe on every start: the owner and the data
// are made once; keys cannot be shown again, so each start makes its own and revokes those of the starts before.
import { createHmac } from 'node:crypto';
import type { App } from '../../app.js';
import { asSystem } from '../../guard/as-system.js';
import { systemClock } from '../../platform/clock.js';
import { type Desk, operations, type ResultOf } from '../operations.js';
import { type DemoIds, writeDemoData } from './data.js';

export interface Prepared extends DemoIds {
  readonly workspaceId: string;
  readonly owner: { readonly email: string; readonly password: string };
  readonly accountKey: Made;
  readonly agentKey: Made;
}

type Made = ResultOf<'keys.create'>;

const keyNames = { account: 'Demo, an integration', agent: 'Demo, an agent' } as const;
const accountScopes: string[] = [
  'me:read',
  'agents:read',
  'contacts:read',
  'inboxes:read',
  'messages:read',
  'messages:send',
];
const agentScopes: string[] = ['agent:config:read', 'agent:conversations:read', 'agent:trigger'];

export async function prepareDemo(desk: Desk, { secrets }: Pick<App, 'secrets'>): Promise<Prepared> {
  const password = passwordFrom(secrets.sealing[0]);
  const owner = { email: 'olive@halberd.example', password };
  const { workspaceId } = await operations.bootstrap.run(
    { org: 'Halberd Cycles', workspace: 'Shop', name: 'Olive Owner', credits: 1_000, ...owner },
    desk,
  );
  const ids = await asSystem(desk.database, 'fill the demo workspace', async (db) => {
    // Whoever tries it out should not run into the limits of the smallest plan.
    await db.workspace.update({ where: { id: workspaceId }, data: { plan: 'scale' } });
    return writeDemoData(db, workspaceId, systemClock.now());
  });
  await revokeEarlierKeys(desk, workspaceId);
  const open = {
    workspaceId,
    allowedIps: null,
    expiresAt: null,
    spendCapCredits: null,
    spendCapPeriod: null,
    rpm: null,
    rpd: null,
  };
  const account = { kind: 'ACCOUNT', agentId: null, name: keyNames.account, scopes: accountScopes } as const;
  const agent = { kind: 'AGENT', agentId: ids.agentId, name: keyNames.agent, scopes: agentScopes } as const;
  return {
    ...ids,
    workspaceId,
    owner,
    accountKey: await operations['keys.create'].run({ ...open, ...account }, desk),
    agentKey: await operations['keys.create'].run({ ...open, ...agent }, desk),
  };
}

/** The same on every start of one installation, another on each installation, and stored nowhere. */
const passwordFrom = (secret: Buffer): string =>
  createHmac('sha256', secret).update('password of the demo owner').digest('base64url').slice(0, 16);

async function revokeEarlierKeys(desk: Desk, workspaceId: string): Promise<void> {
  const { keys } = await operations['keys.list'].run({ workspaceId, withRevoked: false }, desk);
  const names: readonly string[] = Object.values(keyNames);
  for (const { id, name } of keys) if (names.includes(name)) await operations['keys.revoke'].run({ id }, desk);
}

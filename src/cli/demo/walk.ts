// The main job, played by a client over HTTP: a key asks, a scope is missing, a message waits, a person agrees, it leaves,
// an agent is spoken to, the trail holds.
import { isAbsolute, relative, resolve } from 'node:path';
import type { Config } from '../../config.js';
import { type Desk, operations } from '../operations.js';
import { ask, dataOf, type Request, signIn } from './client.js';
import type { Prepared } from './prepare.js';
import type { Stage } from './stage.js';
import { type Cast, type EffectState, watched } from './watch.js';

export interface WalkOptions {
  readonly url: string;
  readonly desk: Desk;
  readonly prepared: Prepared;
  /** Links every audit entry that is committed. */
  readonly sealAll: () => Promise<void>;
}

interface Asked {
  readonly id: string;
  readonly status: string;
  readonly seal: string;
}

/** Asks, shows both sides, and hands back the data. */
type Speak = <Data>(who: Cast, request: Request) => Promise<Data>;

export async function walk(options: WalkOptions, stage: Stage): Promise<void> {
  const { url, prepared } = options;
  const account: Cast = { name: 'account key', credential: { key: prepared.accountKey.key } };
  const agent: Cast = { name: 'agent key', credential: { key: prepared.agentKey.key } };
  const speak: Speak = async <Data>(who: Cast, request: Request) => {
    stage.asks(who.name, request.query);
    const answer = await ask<Data>(url, who.credential, request);
    stage.answers(answer.data ?? answer.errors, answer.status);
    return dataOf(answer);
  };
  let sent: Asked | null = null;

  await stage.step('An account key reads its workspace', () => readWorkspace(speak, account, stage));
  await stage.step('A scope is missing, and nothing happens', () => lackScope(url, account, stage));
  await stage.step('A message is asked for, and waits', async () => {
    sent = await askForMessage(speak, account, prepared, stage);
  });
  await stage.step('The owner signs in, reads what waits, and approves exactly that', async () => {
    if (sent === null) return;
    const waiting = sent;
    const owner = await signInOwner(options, stage);
    const ended = await watched(url, account, waiting.id, stage, () => approve(speak, owner, waiting, stage));
    judgeDelivery(ended, options.desk.config, stage);
  });
  await stage.step('An agent is spoken to, by its own key', () => chat(options, speak, agent, stage));
  await stage.step('The audit trail is verified', () => verify(options, stage));
}

async function readWorkspace(speak: Speak, who: Cast, stage: Stage): Promise<void> {
  const { me, contacts } = await speak<{ me: { kind: string }; contacts: { totalCount: number } }>(who, {
    query: `{
      me { kind workspace { name plan } }
      contacts(first: 1, orderBy: { field: NAME, direction: ASC }) {
        totalCount
        nodes { name conversations(first: 1) { nodes { subject agent { name } messages(first: 2) { nodes { direction body } } } } }
      }
    }`,
  });
  stage.expect(me.kind === 'ACCOUNT_KEY', 'me.kind should be ACCOUNT_KEY');
  stage.expect(contacts.totalCount > 0, 'the workspace should hold contacts');
}

async function lackScope(url: string, who: Cast, stage: Stage): Promise<void> {
  const query = 'mutation { createContact(input: { name: "Nobody" }) { contact { id } } }';
  stage.asks(who.name, query);
  const { status, data = null, errors = [] } = await ask(url, who.credential, { query });
  const extensions = errors[0]?.extensions;
  stage.answers({ message: errors[0]?.message, code: extensions?.code, missing: extensions?.missingScopes }, status);
  stage.expect(status === 403 && extensions?.code === 'FORBIDDEN' && data === null, 'it should be 403 FORBIDDEN');
  stage.expect(extensions.missingScopes?.[0] === 'contacts:write', 'the answer should name contacts:write');
}

async function askForMessage(speak: Speak, who: Cast, { conversationId }: Prepared, stage: Stage) {
  const { sendMessage } = await speak<{ sendMessage: { status: string; effect: Asked } }>(who, {
    query: `mutation Send($conversationId: ID!) {
      sendMessage(input: { conversationId: $conversationId, body: "Your parcel number is HC-4211-7.", idempotencyKey: "demo" }) {
        status effect { id status seal price rule { requirement reason } }
      }
    }`,
    variables: { conversationId },
  });
  stage.expect(sendMessage.status === 'AWAITING_APPROVAL', 'the message should wait for approval');
  return sendMessage.effect;
}

async function signInOwner({ url, desk, prepared }: WalkOptions, stage: Stage): Promise<Cast> {
  const { owner } = prepared;
  stage.asks('owner', `POST /api/auth/sign-in/email { "email": "${owner.email}", "password": … }`);
  const origin = desk.config.publicUrl ?? url;
  const { status, cookie } = await signIn(url, origin, owner);
  stage.answers(status === 200 ? 'a session cookie' : 'no session', status);
  stage.expect(status === 200, 'the owner should be able to sign in; was the password changed, or the secret?');
  return { name: 'owner', credential: { cookie, origin } };
}

async function approve(speak: Speak, owner: Cast, { id, seal }: Asked, stage: Stage): Promise<void> {
  const { effects } = await speak<{ effects: { nodes: Asked[] } }>(owner, {
    query: `{ effects(status: [AWAITING_APPROVAL]) {
      nodes { id kind seal requestedBy { kind name } payload }
    } }`,
  });
  const read = effects.nodes.find((effect) => effect.id === id);
  stage.expect(read?.seal === seal, 'the owner should read the effect with the seal that the key was given');
  await speak(owner, {
    query: `mutation Approve($effectId: ID!, $seal: String!) {
      approveEffect(input: { effectId: $effectId, seal: $seal, comment: "Go." }) { effect { status } }
    }`,
    variables: { effectId: id, seal },
  });
}

function judgeDelivery({ status, failure, result }: EffectState, config: Config, stage: Stage): void {
  const mailServer = config.hasSharedProviders ? config.smtp.url : null;
  stage.expect(status === 'SUCCEEDED', `the message should have left: ${failure?.message ?? status}`);
  stage.expect(result?.captured === (mailServer === null), 'what came of it should fit SMTP_URL');
  if (mailServer === null) sayCaptured('No mail left, since SMTP_URL is not set', result.file, config.dataDir, stage);
  else stage.says(`Handed over by SMTP to ${new URL(mailServer).host}: ${result.response ?? ''}`);
}

function sayCaptured(what: string, file: string | null | undefined, dataDir: string, stage: Stage): void {
  stage.expect(typeof file === 'string', 'what was captured should be in a file');
  const path = resolve(dataDir, file);
  const short = relative('', path);
  stage.says(`${what}: captured in ${isAbsolute(short) || short.startsWith('..') ? path : short}`);
}

async function chat({ url, desk, prepared }: WalkOptions, speak: Speak, who: Cast, stage: Stage): Promise<void> {
  const { config } = desk;
  const { triggerAgent } = await speak<{ triggerAgent: { conversationId: string; effect: Asked } }>(who, {
    query: `mutation Chat($agentId: ID!) {
      triggerAgent(input: { agentId: $agentId, mode: CHAT, message: "When do you open on Saturday?" }) {
        conversationId effect { id status rule { requirement reason } }
      }
    }`,
    variables: { agentId: prepared.agentId },
  });
  const { status, failure, result } = await watched(url, who, triggerAgent.effect.id, stage);
  stage.expect(status === 'SUCCEEDED', `the agent should have been asked: ${failure?.message ?? status}`);
  const hasModel = config.hasSharedProviders && config.model.url !== null;
  stage.expect(result?.captured === !hasModel, 'what came of it should fit MODEL_URL');
  if (!hasModel) {
    return sayCaptured('No answer, since MODEL_URL is not set', result.file, config.dataDir, stage);
  }
  const { conversation } = await speak<{ conversation: { messages: { nodes: { direction: string }[] } } }>(who, {
    query: 'query Answer($id: ID!) { conversation(id: $id) { messages(first: 2) { nodes { direction body } } } }',
    variables: { id: triggerAgent.conversationId },
  });
  const hasAnswer = conversation.messages.nodes.some(({ direction }) => direction === 'OUTBOUND');
  stage.expect(hasAnswer, 'the answer should be a message of the conversation');
}

async function verify({ desk, prepared, sealAll }: WalkOptions, stage: Stage): Promise<void> {
  stage.asks('operator', `sallyport audit verify --workspace ${prepared.workspaceId}`);
  await sealAll();
  const { ok, entries, linked, tail, problems } = await operations['audit.verify'].run(
    { workspaceId: prepared.workspaceId, organizationId: null },
    desk,
  );
  stage.answers({ ok, entries, linked, tail, problems });
  stage.expect(ok && linked > 0 && tail === 0, 'every entry should be linked, and every link should hold');
}

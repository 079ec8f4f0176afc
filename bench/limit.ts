// LIMIT: what the same answers cost when nothing stands between HTTP and PostgreSQL. node:http and pg; one prepared
// statement looks up the key by its SHA-256, judges its state and scopes, confines to its workspace and builds the JSON.
// It parses no GraphQL: it knows the five documents by heart. A draft writes its message, audit entry and event; links,
// checkpoints and notifications are left out, and so are limits, masking, metrics and the count of uses.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import pg from 'pg';
import { newId } from '../src/platform/ids.js';
import { OPERATIONS, type Operation, type OperationName } from './operations.js';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const time = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const messageJson = (m: string) =>
  `'id', ${m}.id, 'direction', ${m}.direction, 'status', ${m}.status, 'body', ${m}.body, 'createdAt', ${time(`${m}.created_at`)}`;

interface Statement {
  readonly scopes: readonly string[];
  /** Common table expressions behind `k`, the key that passed. */
  readonly before?: string;
  /** The value of `data`, as text. */
  readonly json: string;
  /** From $2 on. */
  values(variables: Record<string, unknown>): readonly unknown[];
}

const none = () => [];

const STATEMENTS: Readonly<Record<OperationName, Statement>> = {
  me: {
    scopes: ['me:read'],
    values: none,
    json: `SELECT json_build_object('me', json_build_object('kind', k.kind::text || '_KEY',
      'organization', json_build_object('id', o.id, 'name', o.name),
      'workspace', json_build_object('id', k.workspace_id, 'name', k.workspace_name, 'plan', k.plan),
      'scopes', k.scopes))::text FROM organization o WHERE o.id = k.organization_id`,
  },
  agents: {
    scopes: ['agents:read'],
    values: none,
    json: `SELECT json_build_object('agents', json_build_object('nodes', coalesce(json_agg(json_build_object(
      'id', a.id, 'name', a.name, 'description', a.description, 'instructions', a.instructions, 'model', a.model,
      'status', a.status, 'createdAt', ${time('a.created_at')}, 'updatedAt', ${time('a.updated_at')})), '[]')))::text
      FROM (SELECT * FROM agent WHERE workspace_id = k.workspace_id ORDER BY created_at DESC, id DESC LIMIT 50) a`,
  },
  nested: {
    scopes: ['messages:read', 'contacts:read', 'agents:read'],
    values: none,
    json: `SELECT json_build_object('conversations', json_build_object('nodes', coalesce(json_agg(json_build_object(
      'id', c.id, 'subject', c.subject, 'status', c.status, 'lastMessageAt', ${time('c.last_message_at')},
      'contact', json_build_object('id', p.id, 'name', p.name, 'email', p.email, 'company', p.company),
      'agent', json_build_object('id', a.id, 'name', a.name, 'status', a.status),
      'messages', json_build_object('nodes', m.nodes)) ORDER BY c.last_message_at DESC, c.id DESC), '[]')))::text
      FROM (SELECT * FROM conversation WHERE workspace_id = k.workspace_id
        ORDER BY last_message_at DESC, id DESC LIMIT 20) c
      LEFT JOIN contact p ON p.workspace_id = c.workspace_id AND p.id = c.contact_id
      LEFT JOIN agent a ON a.workspace_id = c.workspace_id AND a.id = c.agent_id
      CROSS JOIN LATERAL (SELECT coalesce(json_agg(json_build_object(${messageJson('m')})), '[]') AS nodes FROM (
        SELECT * FROM message WHERE workspace_id = c.workspace_id AND conversation_id = c.id
        ORDER BY created_at DESC, id DESC LIMIT 10) m) m`,
  },
  contact: {
    scopes: ['contacts:read'],
    values: ({ id }) => [id],
    json: `SELECT json_build_object('contact', json_build_object('id', c.id, 'name', c.name, 'email', c.email,
      'phone', c.phone, 'company', c.company, 'notes', c.notes, 'createdAt', ${time('c.created_at')},
      'updatedAt', ${time('c.updated_at')}))::text FROM contact c WHERE c.workspace_id = k.workspace_id AND c.id = $2`,
  },
  draft: {
    scopes: ['messages:write', 'messages:read'],
    values: ({ input }) => {
      const { conversationId, body } = input as { conversationId: string; body: string };
      return [conversationId, body, newId('msg'), newId('aud'), newId('evt'), newId('req')];
    },
    before: `, message_made AS (
      INSERT INTO message (workspace_id, id, conversation_id, direction, status, channel, subject, body, agent_id)
      SELECT k.workspace_id, $4, c.id, 'OUTBOUND', 'DRAFT', c.channel, c.subject, $3, c.agent_id
      FROM k JOIN conversation c ON c.workspace_id = k.workspace_id AND c.id = $2 WHERE k.is_allowed RETURNING *
    ), entry_made AS (
      INSERT INTO audit_entry (workspace_id, id, action, outcome, actor_kind, actor_id, api_key_id, allowed_by,
        subject_id, request_id, ip, details)
      SELECT k.workspace_id, $5, 'draft.create', 'DONE', 'ACCOUNT_KEY', k.id, k.id, 'messages:write', m.id, $7,
        '127.0.0.1', '{}' FROM k, message_made m
    ), event_made AS (
      INSERT INTO event (workspace_id, id, type, subject_id, data)
      SELECT m.workspace_id, $6, 'message.drafted', m.id, jsonb_build_object('conversationId', m.conversation_id)
      FROM message_made m
    )`,
    json: `SELECT json_build_object('createDraft', json_build_object('messageId', m.id, 'message', json_build_object(
      'id', m.id, 'status', m.status, 'subject', m.subject, 'body', m.body, 'createdAt', ${time('m.created_at')})))::text
      FROM message_made m`,
  },
};

const textOf = ({ scopes, before = '', json }: Statement): string => `WITH k AS MATERIALIZED (
    SELECT k.id, k.kind, k.workspace_id, k.scopes, w.name AS workspace_name, w.plan, w.organization_id,
      k.scopes @> ARRAY['${scopes.join("', '")}'] AS is_allowed
    FROM api_key_secret s
    JOIN api_key k ON k.workspace_id = s.workspace_id AND k.id = s.key_id
    JOIN workspace w ON w.id = k.workspace_id
    WHERE s.hash = $1 AND (s.retires_at IS NULL OR s.retires_at > now()) AND k.status = 'ACTIVE'
      AND k.revoked_at IS NULL AND k.deleted_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
      AND w.status = 'ACTIVE' AND k.allowed_ips = '{}'
  )${before}
  SELECT k.is_allowed, CASE WHEN k.is_allowed THEN (${json}) END AS data FROM k`;

interface Prepared {
  readonly name: string;
  readonly text: string;
  readonly values: Statement['values'];
}

const prepared = new Map<string, Prepared>(
  Object.values(OPERATIONS).map(({ document, name }: Operation) => {
    const statement = STATEMENTS[name];
    return [document, { name, text: textOf(statement), values: statement.values }];
  }),
);

const REFUSED = { 400: 'BAD_USER_INPUT', 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN' } as const;
type Refused = keyof typeof REFUSED;

async function answer(req: IncomingMessage): Promise<string | Refused> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const { query, variables } = JSON.parse(Buffer.concat(chunks).toString()) as {
    query: string;
    variables: Record<string, unknown>;
  };
  const statement = prepared.get(query);
  if (statement === undefined) return 400;
  const key = req.headers.authorization?.slice('Bearer '.length) ?? '';
  const hash = createHash('sha256').update(key).digest();
  const { name, text, values } = statement;
  const { rows } = await pool.query<{ is_allowed: boolean; data: string }>({
    name,
    text,
    values: [hash, ...values(variables)],
  });
  const [row] = rows;
  if (row === undefined) return 401;
  return row.is_allowed ? `{"data":${row.data}}` : 403;
}

const server = createServer((req, res) => {
  if (req.url === '/readyz') {
    res.end();
    return;
  }
  const send = (status: number, body: string) => {
    const headers = {
      'Content-Type': 'application/graphql-response+json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    };
    res.writeHead(status, headers).end(body);
  };
  answer(req).then(
    (made) => (typeof made === 'string' ? send(200, made) : send(made, `{"errors":[{"message":"${REFUSED[made]}"}]}`)),
    (error: unknown) => send(500, String(error)),
  );
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));

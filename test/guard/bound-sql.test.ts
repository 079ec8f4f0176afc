// What Prisma cannot say is said in SQL, and then nobody adds the condition by itself. Judged twice: in the text of the
// sources, so that a new statement cannot forget it, and in the statements that lists really send.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isInterfaceType, isObjectType } from 'graphql';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { countRows, type PageRequest, readPlaces } from '../../src/graphql/list-query.js';
import { sourceOf } from '../../src/graphql/source.js';
import type { GuardedDb } from '../../src/guard/guarded-db.js';
import type { Sql } from '../../src/guard/sql.js';
import { tenancy } from '../../src/guard/tenancy.js';
import { schema } from '../../src/schema.js';

interface Template {
  readonly file: string;
  readonly text: string;
  /** With what is put in, the local names of the file followed. */
  readonly whole: string;
}

const files = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('generated'))
    .map((entry) => relative('.', join(entry.parentPath, entry.name)));

/** Every sql`…` of a file, whether it is a statement or a part of one. */
function templatesOf(file: string): readonly Template[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const nodes = [...nodesOf(source)];
  const meanings = new Map<string, string>();
  for (const node of nodes) {
    const isNamed = ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node);
    if (!isNamed || node.name === undefined || !ts.isIdentifier(node.name)) continue;
    meanings.set(node.name.text, `${meanings.get(node.name.text) ?? ''}\n${node.getText()}`);
  }
  return nodes.filter(isSql).map(({ template }) => {
    const parts = ts.isTemplateExpression(template) ? template.templateSpans : [];
    const inside = parts.map(({ expression }) => wordsIn(expression.getText(), meanings));
    return { file, text: template.getText(), whole: [template.getText(), ...inside].join('\n') };
  });
}

function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

const isSql = (node: ts.Node): node is ts.TaggedTemplateExpression =>
  ts.isTaggedTemplateExpression(node) && /(^|\.)(sql|\$queryRaw|\$executeRaw)$/.test(node.tag.getText());

/** A name of the file stands for what it was given, and so on: `rows` for its SELECT, `conditions` in it for their parts. */
function wordsIn(text: string, meanings: ReadonlyMap<string, string>, depth = 3): string {
  const names = new Set([...text.matchAll(/[A-Za-z_]\w*/g)].map(([name]) => name));
  const meant = [...names].flatMap((name) => meanings.get(name) ?? []);
  return [text, ...meant.map((one) => (depth > 1 ? wordsIn(one, meanings, depth - 1) : one))].join('\n');
}

/** Only what chooses rows needs the condition; a part of a statement is judged where it is put in. */
const choosesRows = ({ text }: Template): boolean =>
  /^`\s*(SELECT|UPDATE|DELETE|WITH|INSERT)\b/.test(text) && /\b(FROM|JOIN|UPDATE|INTO)\b/.test(text);

describe('the sources', () => {
  const statements = files('src').flatMap(templatesOf).filter(choosesRows);
  const inside = statements.filter(({ file }) => /^src\/(modules\/|graphql\/|effects\/|events\/)/.test(file));

  it('hold statements to judge', () => {
    expect(inside.length).toBeGreaterThan(8);
    expect(inside.map(({ file }) => file)).toContain('src/graphql/list-query.ts');
  });

  it.each(inside.map((one) => [`${one.file}: ${one.text.replace(/\s+/g, ' ').slice(0, 60)}`, one] as const))(
    '%s… names its workspace',
    (_name, { whole, file }) => {
      const isBound = /\binWorkspace\b/.test(whole) || /workspace_id\b[\s\S]*\bworkspaceId\b/.test(whole);
      expect(isBound || isOfTheOwner(whole) || isOfTheSystem(file, whole), whole).toBe(true);
    },
  );
});

/** The workspace or organization itself is named by its id; a person's own sessions by whoever asks, in the function. */
const isOfTheOwner = (whole: string): boolean =>
  /\bFROM workspace w\s+WHERE w\.id = \$\{[\w.]*workspaceId\}/i.test(whole) ||
  /\bFROM organization WHERE id = \$\{organizationId\}/.test(whole) ||
  /\bFROM sallyport_sessions_of\(\$\{principal\.id\}\)/.test(whole);

/**
 * Chores look through every workspace, as the system, for something to do in one of them, or drop what is over in all; a
 * mail to one person tells of all in which that person decides.
 */
const CHORES: Readonly<Record<string, RegExp>> = {
  'src/effects/approver-mail.ts':
    /\bJOIN workspace w\b|\bapproval_notice\b[\s\S]*\b(user_id = \$\{userId|mail_id = \$\{mailId)\}|DELETE FROM approval_notice\b[\s\S]*created_at <= now\(\)/,
  'src/effects/recover.ts': /\b(JOIN|FROM) workspace w\b|SELECT DISTINCT e\.kind FROM effect e/,
  'src/effects/sweep.ts': /DELETE FROM idempotency_record\b[\s\S]*expires_at <= now\(\)/,
  'src/modules/workspaces/workspaces.jobs.ts': /\b(JOIN|FROM) workspace w\b/,
};
const isOfTheSystem = (file: string, whole: string): boolean => CHORES[file]?.test(whole) ?? false;

describe('the lists', () => {
  const rules = Object.values(schema.getTypeMap())
    .flatMap((type) => (isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []))
    .flatMap((field) => {
      const source = sourceOf(field);
      if (source?.kind !== 'list') return [];
      const { rules: found } = source;
      return [[`${found.model} of ${field.name}${found.parentField ?? ''}`, found] as const];
    });

  it('are found', () => {
    expect(rules.length).toBeGreaterThan(10);
  });

  it.each(rules)('%s sends no statement without its workspace', async (_name, list) => {
    const sent: Sql[] = [];
    const tenant = { organizationId: 'org_ours', workspaceId: 'wsp_ours', agentId: null };
    const db = {
      $tenant: tenant,
      $walls: 'both',
      $sql: async (statement: Sql) => {
        sent.push(statement);
        return [];
      },
    } as unknown as GuardedDb;
    const page: PageRequest = {
      size: 3,
      backward: false,
      after: ['2026-01-01', 'x'],
      filters: {},
      order: list.defaultOrder,
      own: null,
    };
    const parents = list.parentField === undefined ? null : ['a', 'b'];
    await readPlaces(db, list, parents, page);
    await countRows(db, list, parents, page);
    const ownership = tenancy[list.model];
    expect(sent).toHaveLength(2);
    for (const { sql, values } of sent) {
      const [column, id] =
        ownership.owner === 'organization' ? ['organization_id', 'org_ours'] : ['workspace_id', 'wsp_ours'];
      expect(ownership.owner).not.toBe('global');
      expect(sql).toContain(`WHERE "t"."${column}" = ?`);
      expect(values).toContain(id);
    }
    expect(sent[0]?.sql).toMatch(/LIMIT \?/);
  });
});

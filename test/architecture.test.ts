// Who may import whom: the rules that AGENTS.md speaks of, kept by .dependency-cruiser.mjs. A cruiser that follows nothing finds nothing
// wrong, so it is also counted what it saw, and each rule is shown a tree that breaks it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../src/db/migration-files.js';

interface Rules {
  readonly forbidden: readonly (IForbiddenRuleType & { readonly name: string; readonly comment: string })[];
  readonly options: object & { readonly enhancedResolveOptions: object };
}

let rules: Rules;
beforeAll(async () => {
  const file: string = join(packageRoot(), '.dependency-cruiser.mjs');
  rules = ((await import(file)) as { default: Rules }).default;
});

async function cruised(baseDir: string): Promise<ICruiseResult> {
  const { tsConfig: _, ...options } = rules.options as Rules['options'] & { readonly tsConfig?: object };
  const { output } = await cruise(
    ['src'],
    { ...options, baseDir, validate: true, ruleSet: { forbidden: [...rules.forbidden] } },
    options.enhancedResolveOptions,
    { tsConfig: extractTSConfig(join(packageRoot(), 'tsconfig.json')) },
  );
  if (typeof output === 'string') throw new Error(output);
  return output;
}

const shown = ({ summary }: ICruiseResult): string[] =>
  summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);

describe('the house', () => {
  it('keeps who may import whom, type imports included', async () => {
    const result = await cruised(packageRoot());
    expect(shown(result)).toEqual([]);
    const { modules, summary } = result;
    const ours = modules.filter(({ source }) => /^src\/(?!generated\/).*\.ts$/.test(source));
    expect(ours.length).toBeGreaterThan(180);
    expect(summary.totalDependenciesCruised ?? 0).toBeGreaterThan(900);
    // Two edges that only exist when .js is followed to .ts, and a type import is an import.
    const targets = (of: string) =>
      modules.find(({ source }) => source === of)?.dependencies.map(({ resolved }) => resolved);
    expect(targets('src/app.ts')).toContain('src/door.ts');
    expect(targets('src/effects/world.ts')).toContain('src/jobs/queue.ts');
  });
});

describe('each rule', () => {
  let tree: string;
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'sallyport-house-'));
    for (const [file, lines] of Object.entries(broken)) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      writeFileSync(join(tree, file), `${lines.join('\n')}\nexport const here = 1;\nexport type Here = number;\n`);
    }
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  const from = (path: string): string => `import { here as ${path.replace(/\W/g, '_')} } from '${path}';`;
  const typeFrom = (path: string): string => `import type { Here as ${path.replace(/\W/g, '_')} } from '${path}';`;

  const broken: Readonly<Record<string, readonly string[]>> = {
    'src/main.ts': [from('./app.js')],
    'src/app.ts': [from('./db/open.js'), from('./connectors/smtp/smtp.js'), from('./modules/a/a.schema.js')],
    'src/schema.ts': [],
    'src/context.ts': [],
    'src/db/open.ts': [],
    'src/connectors/connector.ts': [],
    'src/connectors/smtp/smtp.ts': [],
    'src/http/server.ts': [from('../app.js')],
    'src/graphql/builder.ts': [typeFrom('../db/open.js'), typeFrom('../modules/a/a.service.js')],
    'src/effects/perform.ts': [from('../connectors/smtp/smtp.js'), typeFrom('../graphql/builder.js')],
    'src/audit/record.ts': [typeFrom('../context.js')],
    'src/guard/walls.ts': [typeFrom('../effects/perform.js')],
    'src/platform/ids.ts': [typeFrom('../db/open.js')],
    'src/modules/a/a.schema.ts': [
      from('../../graphql/builder.js'),
      from('../b/b.service.js'),
      typeFrom('../b/b.schema.js'),
    ],
    'src/modules/a/a.service.ts': [typeFrom('../../graphql/builder.js')],
    'src/modules/b/b.schema.ts': [],
    'src/modules/b/b.service.ts': [typeFrom('./b.queries.js')],
    'src/modules/b/b.queries.ts': [typeFrom('./b.service.js')],
  };

  it('refuses what it is for, and nothing else', async () => {
    const found = shown(await cruised(tree));
    expect([...new Set(found.map((line) => line.split(':')[0]))].sort()).toEqual(
      [...new Set(rules.forbidden.map(({ name }) => name))].sort(),
    );
    expect(found.sort()).toEqual(
      [
        'only-the-core-touches-the-raw-db: src/graphql/builder.ts → src/db/open.ts',
        'only-the-core-touches-the-raw-db: src/platform/ids.ts → src/db/open.ts',
        'the-world-is-reached-by-effects-only: src/effects/perform.ts → src/connectors/smtp/smtp.ts',
        'modules-meet-through-services: src/modules/a/a.schema.ts → src/modules/b/b.schema.ts',
        'services-know-no-graphql: src/modules/a/a.service.ts → src/graphql/builder.ts',
        'core-knows-no-domain: src/graphql/builder.ts → src/modules/a/a.service.ts',
        'core-knows-no-graphql: src/effects/perform.ts → src/graphql/builder.ts',
        'only-resolvers-know-the-context: src/audit/record.ts → src/context.ts',
        'the-root-is-imported-by-nobody-below: src/http/server.ts → src/app.ts',
        'layers-look-down: src/effects/perform.ts → src/graphql/builder.ts',
        'layers-look-down: src/graphql/builder.ts → src/modules/a/a.service.ts',
        'layers-look-down: src/guard/walls.ts → src/effects/perform.ts',
        'layers-look-down: src/platform/ids.ts → src/db/open.ts',
        'platform-knows-nothing: src/platform/ids.ts → src/db/open.ts',
        // Each circle is told once.
        'no-cycles: src/graphql/builder.ts → src/modules/a/a.service.ts',
        'no-cycles: src/modules/b/b.queries.ts → src/modules/b/b.service.ts',
      ].sort(),
    );
  });
});

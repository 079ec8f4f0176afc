// Who may import whom. Each rule is one sentence of the house; dependency-cruiser reads every import of src, those of
// types too, and a floor on their number keeps a run that saw nothing from passing.
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { beforeAll, describe, expect, it } from 'vitest';

/** The composition root: connects everything, decides nothing. */
const root = '^src/(main|app|door|request|services|schema)\\.ts$';
const core = '^src/(platform|db|guard|auth|audit|events|jobs|effects|connectors|graphql|context\\.ts)';

const rule = (name: string, from: object, to: object): IForbiddenRuleType => ({ name, severity: 'error', from, to });

const rules: IForbiddenRuleType[] = [
  rule(
    'only-the-core-touches-the-raw-db',
    { path: '^src/', pathNot: [`${root}`, '^src/(db|guard|auth|audit|events|effects|jobs|cli)/'] },
    { path: '^src/db/' },
  ),
  rule(
    'the-world-is-reached-by-effects-only',
    { path: '^src/', pathNot: [root, '^src/connectors/', '^src/cli/'] },
    { path: '^src/connectors/(?!connector\\.ts)' },
  ),
  rule(
    'modules-meet-through-services',
    { path: '^src/modules/([^/]+)/' },
    { path: '^src/modules/[^/]+/', pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/[^/]+\\.service\\.ts$'] },
  ),
  rule(
    'services-know-no-graphql',
    { path: '^src/modules/', pathNot: '\\.(schema|mutations)\\.ts$' },
    { path: ['^src/graphql/', '^src/http/', '^src/context\\.ts$', '^src/schema\\.ts$'] },
  ),
  rule('core-knows-no-domain', { path: core }, { path: ['^src/modules/', '^src/http/', root] }),
  rule(
    'core-below-graphql-knows-no-graphql',
    { path: '^src/(platform|db|guard|auth|audit|events|jobs|effects|connectors)/' },
    { path: ['^src/graphql/', '^src/context\\.ts$'] },
  ),
  rule('platform-knows-nothing', { path: '^src/platform/' }, { path: '^src/', pathNot: '^src/platform/' }),
  rule('no-cycles', { path: '^src/' }, { circular: true }),
];

/** Fewer files than this means that the cruiser could not read them. */
const filesAtLeast = 180;

describe('the house', () => {
  let result: ICruiseResult;

  beforeAll(async () => {
    const { output } = await cruise(['src'], {
      ruleSet: { forbidden: rules },
      validate: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '^src/generated' },
      tsPreCompilationDeps: true,
      tsConfig: { fileName: 'tsconfig.json' },
      enhancedResolveOptions: { extensions: ['.ts', '.js'], conditionNames: ['import', 'node'] },
    });
    if (typeof output === 'string') throw new Error(output);
    result = output;
  });

  it('was read', () => {
    const modules = result.modules.filter(({ source }) => source.startsWith('src/'));
    expect(modules.length).toBeGreaterThan(filesAtLeast);
    expect(modules.flatMap(({ dependencies }) => dependencies).length).toBeGreaterThan(filesAtLeast * 3);
  });

  it.each(rules.map(({ name }) => name ?? ''))('keeps the rule %s', (name) => {
    const broken = result.summary.violations.filter((violation) => violation.rule.name === name);
    expect(broken.map(({ from, to, cycle }) => `${from} → ${cycle ? cycle.map((step) => step.name).join(' → ') : to}`)).toEqual([]);
  });
});

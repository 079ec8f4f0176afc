// Who may import whom, as AGENTS.md tells; test/architecture.test.ts holds the tree to it. Paths are files of src; a type
// import counts like any other. What Prisma generates is the datamodel's TypeScript, not a folder of the house: anybody may
// read its types.

const generated = '^src/generated/';

/** The composition root: connects everything, decides nothing. */
const root = '^src/(main|app|door|operations|request|services)\\.ts$';

/** What is told to stay the same whatever the product is about. */
const core = '^src/(platform|db|guard|auth|audit|events|jobs|effects|connectors|fast-lane|graphql)/|^src/context\\.ts$';

/** From the ground up: each stands on those before it and knows none of those after it. */
const layers = [
  'platform',
  'db',
  'guard',
  'auth',
  '(jobs|events|audit)',
  'connectors',
  'effects',
  'graphql',
  'modules',
];

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    rule(
      'only-the-core-touches-the-raw-db',
      'A raw client sees every workspace. http asks it for readiness only, through checks that the root hands in.',
      { path: '^src/', pathNot: [root, '^src/(db|guard|auth|audit|events|effects|jobs|fast-lane|http|cli)/'] },
      { path: '^src/db/' },
    ),
    rule(
      'the-world-is-reached-by-effects-only',
      'Effects are handed connectors by their contract; only the root chooses which folder stands behind it.',
      { path: '^src/', pathNot: [root, '^src/connectors/'] },
      { path: '^src/connectors/([^/]+/|registry)' },
    ),
    rule(
      'modules-meet-through-services',
      'One module uses another by its rules, never by its rows.',
      { path: '^src/modules/([^/]+)/' },
      { path: '^src/modules/([^/]+)/', pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/[^/]+\\.service\\.ts$'] },
    ),
    rule(
      'services-know-no-graphql',
      'The same rules serve requests and jobs.',
      { path: '^src/modules/', pathNot: '\\.(schema|mutations)\\.ts$' },
      { path: '^src/(graphql|http)/|^src/(context|schema)\\.ts$' },
    ),
    rule(
      'core-knows-no-domain',
      'A new noun edits no file of the core.',
      { path: core },
      { path: '^src/(modules|http|cli|mcp)/|^src/(schema|config)\\.ts$' },
    ),
    rule(
      'core-knows-no-graphql',
      'Below the schema nobody knows how a request was written.',
      { path: core, pathNot: '^src/(fast-lane|graphql)/' },
      { path: '^src/graphql/' },
    ),
    rule(
      'only-resolvers-know-the-context',
      'What a job runs is a function of a world.',
      { path: core, pathNot: ['^src/(fast-lane|graphql)/', '^src/context\\.ts$'] },
      { path: '^src/context\\.ts$' },
    ),
    rule(
      'the-root-is-imported-by-nobody-below',
      'What it connects does not reach back for it.',
      { path: '^src/', pathNot: [root, '^src/cli/'] },
      { path: root },
    ),
    ...layers
      .slice(0, -1)
      .map((layer, i) =>
        rule(
          'layers-look-down',
          'What lies below is read without what lies above.',
          { path: `^src/${layer}/` },
          { path: `^src/(${layers.slice(i + 1).join('|')})/` },
        ),
      ),
    rule(
      'platform-knows-nothing',
      'No words of the product.',
      { path: '^src/platform/' },
      { path: '^src/', pathNot: '^src/platform/' },
    ),
    rule(
      'no-cycles',
      'A file that leads back to itself cannot be read by itself.',
      { path: '^src/' },
      { circular: true },
    ),
  ],
  options: {
    doNotFollow: { path: ['node_modules', generated] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'] },
  },
};

// `explainAccess`: what an operation takes, as data, before anybody sends it. Runs nothing of the operation.
import type { Context } from '../../context.js';
import type { Builder } from '../builder-types.js';
import { type PreflightRequest, refusalsOf } from '../preflight/preflight.js';
import { type Foreseeing, WITHOUT_WORKSPACE } from './asked-for.js';
import { explain } from './explain.js';
import { defineExplanationType, EXPLAIN_IS_PUBLIC } from './explanation-type.js';
import { EXPLAINED_MAX, newReading, type Reading, readDocument, requireObject } from './read-document.js';
import { hypotheticalKey, readScopes } from './whom.js';

export const defineExplainAccess = (builder: Builder): void => {
  const Explanation = defineExplanationType(builder);
  builder.queryField('explainAccess', (t) =>
    t.field({
      type: Explanation,
      nullable: true,
      public: EXPLAIN_IS_PUBLIC,
      description:
        'What an operation takes and whether it would be allowed, without running it: scopes, the smallest sets that ' +
        `suffice, a verdict per field, cost, who would have to agree, and the price. At most ${EXPLAINED_MAX} in one request.`,
      args: {
        document: t.arg.string({ required: true, description: 'The operation in GraphQL, with its fragments.' }),
        variables: t.arg({
          type: 'JSON',
          description: 'Its variables, an object. Those left out are told where they decide something.',
        }),
        operationName: t.arg.string({ description: 'Which operation, where the document has several.' }),
        scopes: t.arg({
          type: ['Scope'],
          description:
            'Judge for a key with these scopes, either spelling, wildcards too; of one namespace. Left out: for the caller.',
        }),
      },
      judgeArguments: ({ scopes }: { readonly scopes?: readonly string[] | null }) => {
        if (scopes !== null && scopes !== undefined) readScopes(scopes);
      },
      resolve: async (
        _root,
        { document: text, variables: sent, operationName = null, scopes },
        context,
        { schema },
      ) => {
        const variables = requireObject(sent);
        const request = { schema, variables, operationName, introspection: context.introspection };
        const principal = scopes === null || scopes === undefined ? context.principal : await keyWith(scopes, context);
        const document = readDocument({ ...request, document: text }, readingOf(context));
        return explain({ ...request, document, principal }, foreseeingOf(context, { ...request, document }));
      },
    }),
  );
};

/** A key that need not exist, under the policies of the caller's workspace. */
const keyWith = async (scopes: readonly string[], context: Context) => {
  const { principal } = context;
  const granted = readScopes(scopes);
  if (principal === null) return hypotheticalKey(granted);
  const policies = await context.world.db.workspace.findFirstOrThrow({
    where: { id: principal.workspaceId },
    select: { explicitSpendScopes: true, keysReadOnly: true },
  });
  return hypotheticalKey(granted, principal, policies);
};

/** By the caller's own view of the workspace: what a hypothetical key would see of it nobody knows. */
const foreseeingOf = (context: Context, request: Omit<PreflightRequest, 'principal'>): Foreseeing => {
  const { principal } = context;
  if (principal === null) return WITHOUT_WORKSPACE;
  const { world, services } = context;
  const mayAsk = () => refusalsOf({ ...request, principal }).length === 0;
  return {
    rulesFor: (facts) => world.effects.foresee(facts),
    effectOf: mayAsk()
      ? async ({ foresee }, input, isOpen) => (await foresee?.(input, isOpen, { world, services })) ?? null
      : null,
  };
};

const MEMO = 'explainAccess';

const readingOf = ({ memo }: Context): Reading => {
  const reading = (memo.get(MEMO) as Reading | undefined) ?? newReading();
  memo.set(MEMO, reading);
  return reading;
};

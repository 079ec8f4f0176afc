// Step 5 of the walk, when the server starts: one declaration on a field becomes its check, its directive, its line in
// the description and its record. `toSchema()` throws, naming every offender at once, when a field has no declaration or
// two, a mutation is neither action nor effect, or anything lacks a description. Must be the last plugin in the list:
// hooks run last plugin first, and the directives plugin has to see what this one leaves.
import SchemaBuilder, {
  BasePlugin,
  type PothosInputFieldConfig,
  type PothosOutputFieldConfig,
  type PothosTypeConfig,
  type SchemaTypes,
} from '@pothos/core';
import {
  GraphQLSchema,
  isInputType,
  isInterfaceType,
  isObjectType,
  specifiedDirectives,
  validateSchema,
} from 'graphql';
import { scopesAccess } from './access.js';
import { accessLines, buildRule, type Inherited } from './build-rule.js';
import { stateOf } from './builder-state.js';
import { declarationOf, readAccess, type TypeAccessDeclaration } from './declaration.js';
import { argumentSentence, fieldSentence, undescribed } from './descriptions.js';
import { accessDirective, directiveDefinitions, mutationDirectives } from './directives.js';
import { type FieldRule, ruleOf } from './field-rule.js';
import { fieldScopes } from './second-wall.js';

export const guardPluginName = 'sallyportGuard';

export class GuardPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  private readonly problems = new Map<string, readonly string[]>();

  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const coordinate = `${config.parentType}.${config.name}`;
    const options = config.pothosOptions;
    const rule = buildRule({
      coordinate,
      declared: declarationOf(options),
      inherited: this.inheritedBy(config),
      mutation: options.mutationFacts ?? null,
      isMutation: config.kind === 'Mutation',
      argumentNames: Object.keys(config.args),
      nodeTypes: stateOf(this.builder).nodeTypes,
      judgeArguments: (options.judgeArguments as ((args: unknown) => void) | undefined) ?? null,
    });
    if ('length' in rule) {
      this.problems.set(coordinate, rule);
      return config;
    }
    if (options.authScopes !== undefined) this.problems.set(coordinate, ['declares authScopes beside its access']);
    return this.withRule(config, rule);
  }

  override onInputFieldConfig(config: PothosInputFieldConfig<Types>): PothosInputFieldConfig<Types> {
    const description = config.description ?? (config.kind === 'Arg' ? argumentSentence(config.name) : undefined);
    return description === undefined ? config : { ...config, description };
  }

  override afterBuild(schema: GraphQLSchema): GraphQLSchema {
    for (const coordinate of unruled(schema)) {
      if (!this.problems.has(coordinate)) this.problems.set(coordinate, ['was built without a declaration']);
    }
    for (const coordinate of undescribed(schema)) {
      this.problems.set(coordinate, [...(this.problems.get(coordinate) ?? []), 'has no description']);
    }
    this.refuseProblems();
    const complete = withDirectives(schema);
    const [invalid] = validateSchema(complete);
    if (invalid !== undefined) throw invalid;
    return complete;
  }

  private withRule(config: PothosOutputFieldConfig<Types>, rule: FieldRule): PothosOutputFieldConfig<Types> {
    const scopes = fieldScopes(rule, stateOf(this.builder));
    const described = config.description ?? fieldSentence(config.name);
    const applied = [
      accessDirective(rule.access),
      ...(rule.mutation === null ? [] : mutationDirectives(rule.mutation)),
    ];
    return {
      ...config,
      ...(described === undefined ? {} : { description: `${described}\n\n${accessLines(rule)}` }),
      extensions: {
        ...config.extensions,
        sallyport: rule,
        directives: applied.map(({ name, args }) => ({ name, args })),
      },
      pothosOptions: scopes === null ? config.pothosOptions : { ...config.pothosOptions, authScopes: scopes },
    } as PothosOutputFieldConfig<Types>;
  }

  /** The declaration of the type the field is on, else of the interface the field comes from. */
  private inheritedBy(config: PothosOutputFieldConfig<Types>): Inherited | null {
    const types = [config.parentType, ...(config.declaringType === undefined ? [] : [config.declaringType])];
    for (const name of types) {
      const found = this.handedDownBy(name, []);
      if (found !== null) return found;
    }
    return null;
  }

  private handedDownBy(name: string, seen: readonly string[]): Inherited | null {
    if (!this.builder.configStore.hasImplementation(name) || seen.includes(name)) return null;
    const config: PothosTypeConfig = this.buildCache.getTypeConfig(name);
    if (config.kind !== 'Object' && config.kind !== 'Interface') return null;
    const declared: TypeAccessDeclaration = config.pothosOptions;
    const access = readAccess(declared);
    if (typeof access === 'string') {
      this.problems.set(name, [access]);
      return { access: scopesAccess([]), own: false };
    }
    if (access !== null) return { access, own: declared.own === true };
    return declared.accessOfType === undefined ? null : this.handedDownBy(declared.accessOfType, [...seen, name]);
  }

  private refuseProblems(): void {
    if (this.problems.size === 0) return;
    const lines = [...this.problems].map(([coordinate, sentences]) => `  ${coordinate} ${sentences.join('; ')}`).sort();
    throw new Error(`The schema does not say what it takes:\n${lines.join('\n')}`);
  }
}

/** Fields that came to be without passing this plugin. */
const unruled = (schema: GraphQLSchema): readonly string[] =>
  Object.values(schema.getTypeMap())
    .filter((type) => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'))
    .flatMap((type) =>
      (isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []).flatMap((field) =>
        ruleOf(field) === null ? [`${type.name}.${field.name}`] : [],
      ),
    );

const withDirectives = (schema: GraphQLSchema): GraphQLSchema => {
  const scope = schema.getType('Scope');
  const role = schema.getType('Role');
  if (!isInputType(scope) || !isInputType(role)) throw new Error('The schema lacks its Scope or Role.');
  const config = schema.toConfig();
  const own = config.directives.filter((directive) => !specifiedDirectives.includes(directive));
  return new GraphQLSchema({
    ...config,
    directives: [...specifiedDirectives, ...own, ...directiveDefinitions(scope, role)],
  });
};

SchemaBuilder.registerPlugin(guardPluginName, GuardPlugin);

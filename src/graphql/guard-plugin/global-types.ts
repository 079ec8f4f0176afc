// Teaches Pothos the options of the guard plugin: every field, object and interface may declare its access, mutations
// gain `t.action` and `t.effect`, and the builder gains what makes nodes and connections.
import type {
  EnumRef,
  FieldMap,
  FieldNullability,
  FieldRef,
  InputFieldMap,
  InterfaceParam,
  InterfaceRef,
  ObjectRef,
  SchemaTypes,
  TypeParam,
} from '@pothos/core';
import type { PrismaModelTypes, PrismaObjectRef } from '@pothos/plugin-prisma';
import type { Role } from '../../guard/roles.js';
import type { IdPrefix } from '../../platform/ids.js';
import type { Connection, Edge, NodeRef, PageInfo } from '../connections.js';
import type { ActionOptions } from '../mutations/action.js';
import type { PayloadFields } from '../mutations/action-payload.js';
import type { ActionRegistry } from '../mutations/action-registry.js';
import type { EffectMutationOptions } from '../mutations/effect.js';
import type { NodeTypeOptions } from '../node-type.js';
import type { FieldAccessDeclaration, TypeAccessDeclaration } from './declaration.js';
import type { MutationFacts, NodeTypes } from './field-rule.js';
import type { GuardPlugin } from './index.js';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      sallyportGuard: GuardPlugin<Types>;
    }

    export interface FieldOptions<
      Types extends SchemaTypes,
      ParentShape,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveShape,
      ResolveReturnShape,
    > extends FieldAccessDeclaration {
      /** Set by `t.action` and `t.effect` only; a mutation without it does not build. */
      mutationFacts?: MutationFacts | undefined;
      /** Judges the coerced arguments before anything runs: what it throws is answered with HTTP 400. */
      judgeArguments?: ((args: never) => void) | undefined;
    }

    export interface ObjectTypeOptions<Types extends SchemaTypes, Shape> extends TypeAccessDeclaration {}
    export interface InterfaceTypeOptions<
      Types extends SchemaTypes,
      Shape,
      Interfaces extends InterfaceParam<Types>[],
      ResolveType,
    > extends TypeAccessDeclaration {}

    export interface MutationFieldBuilder<Types extends SchemaTypes, ParentShape> {
      /** A mutation that stays in our database: one transaction, audited, holdable by a rule. */
      action<
        Input extends InputFieldMap = Record<never, never>,
        Payload extends PayloadFields = Record<never, never>,
        Creates extends IdPrefix = never,
      >(options: ActionOptions<Types, Input, Payload, Creates>): FieldRef<Types, unknown, 'Mutation'>;
      /** A mutation that asks for something to leave. It only prepares; there is no `resolve`. */
      effect<Sealed, Input extends InputFieldMap = Record<never, never>, Extra extends FieldMap = Record<never, never>>(
        options: EffectMutationOptions<Types, Input, Sealed, Extra>,
      ): FieldRef<Types, unknown, 'Mutation'>;
    }

    export interface SchemaBuilder<Types extends SchemaTypes> {
      /** Which type an id's prefix names; filled by `nodeType`. */
      readonly nodeTypes: NodeTypes;
      /** What performs a held action once it is approved; complete after `toSchema()`. */
      readonly actions: ActionRegistry;
      readonly nodeInterface: InterfaceRef<Types, NodeRef>;
      readonly roleType: EnumRef<Types, Role>;
      readonly pageInfo: ObjectRef<Types, PageInfo>;
      /** The object of a model, wherever it is defined: modules name each other's types without importing them. */
      modelRef<Name extends keyof Types['PrismaTypes'] & string>(
        name: Name,
      ): PrismaObjectRef<
        Types,
        PrismaModelTypes & Types['PrismaTypes'][Name],
        (PrismaModelTypes & Types['PrismaTypes'][Name])['Shape']
      >;
      /** An object over a model that has an id of its own: implements Node, and its prefix names it. */
      nodeType<
        Name extends keyof Types['PrismaTypes'] & string,
        Model extends PrismaModelTypes & Types['PrismaTypes'][Name],
      >(name: Name, options: NodeTypeOptions<Types, Model>): PrismaObjectRef<Types, Model, Model['Shape']>;
      /** The connection and edge of a type; the same pair each time it is asked for. */
      connectionOf<Node>(ref: ObjectRef<Types, Node>): {
        readonly connection: ObjectRef<Types, Connection<Node>>;
        readonly edge: ObjectRef<Types, Edge<Node>>;
      };
    }
  }
}

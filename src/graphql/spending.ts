// Whether an operation asks for something that spends, whatever `@skip` and `@include` may leave out.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { ruleOf } from './guard-plugin/field-rule.js';

export function spends(schema: GraphQLSchema, document: DocumentNode, operationName?: string | null): boolean {
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== OperationTypeNode.MUTATION) return false;
  const fields = schema.getMutationType()?.getFields() ?? {};
  for (const name of rootFieldsOf(document, operation.selectionSet)) {
    const field = fields[name];
    if (field !== undefined && ruleOf(field)?.mutation?.effect?.spends === true) return true;
  }
  return false;
}

function rootFieldsOf(document: DocumentNode, root: SelectionSetNode): ReadonlySet<string> {
  const names = new Set<string>();
  const spread = new Set<string>();
  const sets = [root];
  for (let set = sets.pop(); set !== undefined; set = sets.pop()) {
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) names.add(node.name.value);
      else if (node.kind === Kind.INLINE_FRAGMENT) sets.push(node.selectionSet);
      else if (!spread.has(node.name.value)) {
        spread.add(node.name.value);
        const fragment = document.definitions.find(
          (one): one is FragmentDefinitionNode =>
            one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === node.name.value,
        );
        if (fragment !== undefined) sets.push(fragment.selectionSet);
      }
    }
  }
  return names;
}

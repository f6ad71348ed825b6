import type { Term, Value } from './value.ts';

/** Of `Microsoft.Resources/deployments`. */
export const deploymentsVersion = '2022-09-01';

/** What templates and Bicep write alike: a call of a function of templates.
 * @param code writes what stands in a call, as code */
export function callOf(
  term: Extract<Term, { kind: 'tenantId' | 'deployer' | 'groupId' | 'role' | 'guid' }>,
  code: (value: Value) => string,
): string {
  switch (term.kind) {
    case 'tenantId':
      return 'subscription().tenantId';
    case 'deployer':
      return 'deployer().objectId';
    case 'groupId':
      return 'resourceGroup().id';
    case 'role':
      return `subscriptionResourceId('Microsoft.Authorization/roleDefinitions', ${code(term.id)})`;
    case 'guid':
      return `guid(${term.of.map(code).join(', ')})`;
  }
}

/** A text that only looks like an expression, marked for one evaluation as none. */
export const literal = (text: string): string => (text.startsWith('[') && text.endsWith(']') ? `[${text}` : text);

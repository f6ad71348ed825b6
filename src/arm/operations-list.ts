import type { ArmOperation } from './arm-operation.ts';

/** The row that lists what roles can be given for a provider: its actions, from its own rows. */
export function operationsList(provider: {
  readonly namespace: string;
  readonly displayName: string;
  readonly operations: readonly ArmOperation[];
}): ArmOperation {
  const actions = new Map<string, ArmOperation>();
  for (const operation of provider.operations) {
    if (operation.action !== null && !actions.has(operation.action)) actions.set(operation.action, operation);
  }
  const value = [...actions].map(([action, operation]) => ({
    name: action,
    isDataAction: false,
    display: {
      provider: provider.displayName,
      resource: action.split('/').slice(1, -1).join('/'),
      operation: operation.id.replace('_', ' '),
      description: '',
    },
  }));
  return {
    id: 'Operations_List',
    method: 'GET',
    path: `/providers/${provider.namespace}/operations`,
    action: null,
    handle: () => Promise.resolve({ status: 200, body: { value } }),
  };
}

import type { VaultFacts } from '../../src/audit/audit-event.ts';
import type { Guid } from '../../src/base/guid.ts';

const somebody = '11111111-1111-4111-8111-111111111111' as Guid;

/** What the log says of an operation with a key of that writer. */
export const operationFacts = (writer: string): VaultFacts => ({
  ...{ kind: 'vault', vaultId: somebody, vaultName: 'v', resourceId: '/v', operation: 'KeyUnwrap', status: 200 },
  ...{ id: `https://v/keys/k${writer}`, clientAddress: '::1' },
  caller: { objectId: somebody, tenantId: somebody, displayName: 'somebody' },
});

import { expect, it } from 'vitest';
import { AuditLog } from '../audit/audit-log.ts';
import { eventPages } from '../audit/read-events.ts';
import { verifyChain } from '../audit/verify-chain.ts';
import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import { writeRecord } from '../state/state.ts';
import { auditedNameOf } from '../vault/audited-operation.ts';
import { adoptEarlierAudit, earlierVaultAudit } from './earlier-vault-audit.ts';
import { stateTables } from './state-tables.ts';

const guid = (): Guid => newGuid(systemRandomBytes);
const vaultId = guid();
const facts = (kid: string, status = 200) => ({
  ...{ vaultId, vaultName: 'v', operation: 'UnwrapKey', kid, status, clientAddress: '::1' },
  caller: { objectId: vaultId, tenantId: vaultId, displayName: 'somebody' },
});
const request = (minute: number) => ({
  time: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  requestId: guid(),
  correlationId: guid(),
});

it('takes over what earlier versions recorded, in its order, once', async () => {
  const state = await SealedState.open({
    ...{ store: new MemoryStateStore(), rootKey: new RootKey(systemRandomBytes(32)), randomBytes: systemRandomBytes },
    tables: stateTables,
  });
  const [one, two, three] = [request(1), request(2), request(3)];
  const refused = { ...facts('b', 403), error: { code: 'Forbidden' } };
  const tuple = ({ time, requestId, correlationId }: typeof two, at: number) =>
    [at, time, requestId, correlationId] as const;
  const records = [
    { ...facts('a'), ...one },
    { shared: [facts('a'), refused], requests: [tuple(two, 0), tuple(three, 1)] },
    ...Array.from({ length: 30 }, (_, at) => ({ ...facts(`k${at}`), ...request(4 + at) })),
  ];
  await state.commit({
    write: records.map((record, at) => writeRecord(earlierVaultAudit, String(at).padStart(3, '0'), null, record)),
  });
  const log = new AuditLog(state, { now: () => instant(0) });
  for (let again = 0; again < 2; again++)
    await adoptEarlierAudit(state, log, auditedNameOf, () => Promise.resolve('/vaults/v'));

  const events = [];
  for await (const page of eventPages(state)) events.push(...page.map(({ event }) => event));
  expect(events).toHaveLength(33);
  expect(events.slice(0, 3).map(({ requestId }) => requestId)).toEqual([one, two, three].map((each) => each.requestId));
  const { caller, clientAddress, vaultName } = facts('b');
  expect(events[2]?.facts).toEqual({
    ...{ kind: 'vault', vaultId, vaultName, resourceId: '/vaults/v', operation: 'KeyUnwrap', id: 'b', status: 403 },
    ...{ error: { code: 'Forbidden' }, caller, clientAddress },
  });
  expect(await state.list(earlierVaultAudit)).toEqual([]);
  expect((await verifyChain(state)).findings).toEqual([]);
});

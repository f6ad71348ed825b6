import { expect, it } from 'vitest';
import { newGuid } from '../base/guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed-state.ts';
import { auditKeptMs, createAuditWriter, pruneVaultAudit, readVaultAudit } from './audit.ts';

it('audit records are kept for their time and no longer', async () => {
  const store = new MemoryStateStore();
  const state = await SealedState.open({
    store,
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const write = createAuditWriter();
  const guid = newGuid(systemRandomBytes);
  const caller = { objectId: guid, tenantId: guid, displayName: 'somebody' };
  const common = {
    vaultId: guid,
    vaultName: 'v',
    operation: 'UnwrapKey',
    status: 200,
    caller,
    clientAddress: '::1',
    requestId: guid,
    correlationId: guid,
  };
  const start = Date.UTC(2026, 0, 1);
  const writes = Array.from({ length: 2500 }, (_, index) => write(instant(start + index * 30_000), common));
  await state.commit({ write: writes });

  expect(await pruneVaultAudit(state, instant(start + auditKeptMs))).toBe(0);
  expect(await pruneVaultAudit(state, instant(start + auditKeptMs + 2000 * 30_000))).toBe(2000);
  const { records } = await readVaultAudit(state);
  expect(records.length).toBe(500);
  expect(records[0]?.value.time).toBe(new Date(start + 2000 * 30_000).toISOString());
});

import { describe, expect, it } from 'vitest';
import type { DiagnosticSetting } from '../../arm/diagnostic-settings.ts';
import { cursorId, deliveryCursors, diagnosticSettingId, diagnosticSettings } from '../../arm/diagnostic-settings.ts';
import { AuditLog } from '../../audit/audit-log.ts';
import type { AuditEvent } from '../../audit/audit-event.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant, toIso } from '../../clock/clock.ts';
import { FailingStateStore } from '../../state/failing.ts';
import type { FailurePlan } from '../../state/failing.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import type { StateStore } from '../../state/state-store.ts';
import { writeRecord } from '../../state/state.ts';
import type { BatchOutcome, EventBatch } from './deliveries.ts';
import { createDeliveries } from './deliveries.ts';

const guid = () => newGuid(systemRandomBytes);
const begin = Date.UTC(2026, 0, 1);
const clock = { now: () => instant(begin) };
const vaultNamed = (name: string) =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/${name}` as const;
const by = { objectId: guid(), tenantId: guid(), displayName: 'somebody' };
const system = { createdBy: '', createdByType: 'User', createdAt: '', lastModifiedBy: '' } as const;

const eventOf = (vault: string, id: string): AuditEvent => ({
  ...{ time: toIso(instant(begin)), requestId: guid(), correlationId: guid(), durationMs: 1 },
  facts: {
    ...{ kind: 'vault', vaultId: by.tenantId, vaultName: vault, resourceId: vaultNamed(vault), operation: 'KeyGet' },
    ...{ id, status: 200, caller: by, clientAddress: '::1' },
  },
});

const settingOf = (vault: string): DiagnosticSetting => ({
  settingId: guid(),
  name: 'copy',
  scope: vaultNamed(vault),
  target: { resourceId: '/target', clusterId: guid(), databaseId: guid() },
  logs: [{ categoryGroup: 'allLogs', enabled: true }],
  metrics: [],
  systemData: { ...system, lastModifiedByType: 'User', lastModifiedAt: '' },
});

/** A table that takes rows as a cluster does: durable, once for each request id. It outlives the server. */
class Target {
  readonly rows: string[] = [];
  readonly #known = new Set<string>();
  outcome: BatchOutcome = 'added';
  batches = 0;
  /** What is done while rows are taken. */
  meanwhile: () => Promise<unknown> = () => Promise.resolve();

  add({ lines, requestId }: EventBatch): BatchOutcome {
    this.batches += 1;
    if (this.outcome !== 'added') return this.outcome;
    if (!this.#known.has(requestId)) this.rows.push(...lines);
    this.#known.add(requestId);
    return 'added';
  }

  /** Ids of the objects, in the order of the rows. */
  ids = () => this.rows.map((row) => /id-\d+/.exec(row)?.[0]);
}

async function server(target: Target, store: StateStore, keyBytes: Uint8Array) {
  const rootKey = new RootKey(Buffer.from(keyBytes));
  const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes });
  const failures: unknown[] = [];
  const deliveries = createDeliveries({
    state,
    addRows: async (_, batch) => {
      await target.meanwhile();
      return target.add(batch);
    },
    failed: (_, error) => failures.push(error),
    refused: () => undefined,
  });
  return { state, deliveries, failures, audit: new AuditLog(state, clock) };
}

const keyBytes = systemRandomBytes(32);
const idsTo = (count: number) => Array.from({ length: count }, (_, at) => `id-${at}`);

async function recorded(store: StateStore, count: number): Promise<DiagnosticSetting> {
  const { state, audit } = await server(new Target(), store, keyBytes);
  const setting = settingOf('one');
  const id = diagnosticSettingId(setting).toLowerCase();
  const { settingId } = setting;
  await state.commit({
    write: [
      writeRecord(diagnosticSettings, id, null, setting),
      writeRecord(deliveryCursors, cursorId(setting, 'AZKVAuditLogs'), null, { settingId, after: 0 }),
    ],
  });
  for (let at = 0; at < count; at += 100) {
    const ids = idsTo(count).slice(at, at + 100);
    await audit.commit({ events: ids.flatMap((one) => [eventOf('one', one), eventOf('other', 'id-9999')]) });
  }
  return setting;
}

describe('what is recorded of a source', () => {
  it('is sent once, in its order, without what is of others, and goes on where it was', async () => {
    const [store, target] = [new MemoryStateStore(), new Target()];
    await recorded(store, 1_250);
    const first = await server(target, store, keyBytes);
    await first.deliveries.deliver();
    expect(target.ids()).toEqual(idsTo(1_250));
    expect(target.batches).toBeGreaterThan(2);
    await first.audit.commit({ events: [eventOf('one', 'id-1250'), eventOf('other', 'id-9999')] });
    const again = await server(target, store, keyBytes);
    await Promise.all([again.deliveries.deliver(), again.deliveries.deliver()]);
    expect(target.ids()).toEqual(idsTo(1_251));
    expect([...first.failures, ...again.failures]).toEqual([]);
  });

  it('leaves for the next call what is recorded meanwhile, so that it never goes on without end', async () => {
    const [store, target] = [new MemoryStateStore(), new Target()];
    await recorded(store, 3);
    const { deliveries, audit } = await server(target, store, keyBytes);
    let next = 3;
    target.meanwhile = async () => {
      if (next < 10) await audit.commit({ events: [eventOf('one', `id-${next++}`)] });
    };
    await deliveries.deliver();
    expect(target.ids()).toEqual(idsTo(3));
    while (next < 10) await deliveries.deliver();
    await deliveries.deliver();
    expect(target.ids()).toEqual(idsTo(10));
  });

  it('waits while the target is not to be had, and is sent then', async () => {
    const [store, target] = [new MemoryStateStore(), new Target()];
    await recorded(store, 300);
    const { deliveries, audit } = await server(target, store, keyBytes);
    target.outcome = 'unavailable';
    await deliveries.deliver();
    await audit.commit({ events: [eventOf('one', 'id-300')] });
    await deliveries.deliver();
    expect(target.batches).toBe(2);
    target.outcome = 'added';
    await deliveries.deliver();
    expect(target.ids()).toEqual(idsTo(301));
  });

  it('is sent no more once the setting is gone, or was given another target', async () => {
    const [store, target] = [new MemoryStateStore(), new Target()];
    const setting = await recorded(store, 1);
    const { state, deliveries } = await server(target, store, keyBytes);
    const held = await state.get(diagnosticSettings, diagnosticSettingId(setting).toLowerCase());
    await state.commit({
      write: [writeRecord(diagnosticSettings, held?.id ?? '', held?.version ?? 0, { ...setting, settingId: guid() })],
    });
    await deliveries.deliver();
    expect(target.batches).toBe(0);
  });

  it.each(['before', 'after'] as const)('arrives once, whichever commit a server dies %s', async (when) => {
    for (let onCommit = 1; ; onCommit += 1) {
      const [store, target] = [new MemoryStateStore(), new Target()];
      await recorded(store, 700);
      const dying = await server(
        target,
        new FailingStateStore(store, { onCommit, when } satisfies FailurePlan),
        keyBytes,
      );
      await dying.deliveries.deliver();
      const next = await server(target, store, keyBytes);
      await next.audit.commit({ events: [eventOf('one', 'id-700')] }); // a batch that begins anew would be another one
      await next.deliveries.deliver();
      expect(target.ids(), `commit ${onCommit}`).toEqual(idsTo(701));
      if (dying.failures.length === 0) {
        expect(onCommit).toBeGreaterThan(4); // two batches, two commits each
        return;
      }
    }
  });
});

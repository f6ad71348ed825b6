import { describe, expect, it } from 'vitest';
import { newGuid } from '../base/guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import { auditKeptMs, createAuditWriter, pruneVaultAudit, readVaultAudit } from './audit.ts';
import { AuditSpans } from './audit-spans.ts';

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
  const writes = Array.from({ length: 2500 }, (_, index) => write.one(instant(start + index * 30_000), common));
  await state.commit({ write: writes });

  expect(await pruneVaultAudit(state, instant(start + auditKeptMs))).toBe(0);
  expect(await pruneVaultAudit(state, instant(start + auditKeptMs + 2000 * 30_000))).toBe(2000);
  const { records } = await readVaultAudit(state);
  expect(records.length).toBe(500);
  expect(records[0]?.value.time).toBe(new Date(start + 2000 * 30_000).toISOString());
});

describe('what the server asks again and again', () => {
  const minute = 60_000;
  const guid = newGuid(systemRandomBytes);
  const facts = (status: number, operation = 'UnwrapKey') => ({
    ...{ vaultId: guid, vaultName: 'v', operation, kid: 'k', status, clientAddress: '::1' },
    caller: { objectId: guid, tenantId: guid, displayName: 'a cluster' },
    ...{ requestId: guid, correlationId: guid },
  });
  async function start() {
    const rootKey = new RootKey(systemRandomBytes(32));
    const store = new MemoryStateStore();
    const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes });
    const spans = new AuditSpans(state, createAuditWriter());
    const commits: number[] = [];
    const ask = async (at: number, status = 200, repeats = true, operation?: string): Promise<void> => {
      const entry = await spans.entry(instant(at), facts(status, operation), repeats);
      await state.commit({ write: entry.write });
      commits.push(entry.write.length);
      entry.committed();
    };
    const records = async () => (await readVaultAudit(state)).records.map(({ value }) => value);
    return { state, spans, ask, commits, records };
  }

  it('is one record an hour and a write in ten minutes, before the first answer', async () => {
    const { spans, ask, commits, records } = await start();
    const begin = Date.UTC(2026, 0, 1);
    await ask(begin);
    expect(await records()).toMatchObject([
      { time: new Date(begin).toISOString(), span: { count: 1, until: new Date(begin + 10 * minute).toISOString() } },
    ]);
    for (let at = begin + 30_000; at < begin + 24 * 60 * minute; at += 30_000) await ask(at);
    await spans.settle();
    const all = await records();
    expect(all.length).toBeLessThanOrEqual(24);
    expect(commits.filter((writes) => writes > 0).length).toBeLessThanOrEqual(6 * 24);
    // Each is counted once, and one span ends where the next one begins.
    expect(all.reduce((sum, { span }) => sum + (span?.count ?? 0), 0)).toBe(2 * 60 * 24);
    for (const [index, { time }] of all.entries())
      if (index > 0) expect(Date.parse(time) - Date.parse(all[index - 1]?.span?.last ?? '')).toBe(30_000);
  });

  it('has a record of its own for every other outcome, operation and caller', async () => {
    const { ask, records } = await start();
    const begin = Date.UTC(2026, 0, 1);
    await ask(begin);
    await ask(begin + 1, 403);
    await ask(begin + 2, 200, true, 'GetKey');
    await ask(begin + 3, 200, false); // somebody else asks the same
    await ask(begin + 4, 200, false);
    expect((await records()).map(({ status, span }) => [status, span?.count])).toEqual([
      [200, 1],
      [403, 1],
      [200, 1],
      [200, undefined],
      [200, undefined],
    ]);
  });

  it('is counted by another record when the first was pruned, or another process goes on', async () => {
    const { state, ask, records } = await start();
    const begin = Date.UTC(2026, 0, 1);
    await ask(begin);
    await pruneVaultAudit(state, instant(begin + auditKeptMs + 1));
    expect(await records()).toEqual([]);
    await ask(begin + 11 * minute);
    expect((await records()).map(({ span }) => span?.count)).toEqual([2]);
    const next = new AuditSpans(state, createAuditWriter());
    const entry = await next.entry(instant(begin + 12 * minute), facts(200), true);
    expect(entry.write.length).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import { newGuid } from '../base/guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import type { State, StateCommit, StateExpectation, Table } from '../state/state.ts';
import { expectRecord, writeRecord } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { AuditFacts } from './audit.ts';
import { createAuditWriter, readVaultAudit, vaultAudit } from './audit.ts';
import { AuditGroups } from './audit-groups.ts';

const things: Table<number> = { name: 'things', parse: (value) => value as number };
const vaultId = newGuid(systemRandomBytes);
const caller = { objectId: vaultId, tenantId: vaultId, displayName: 'somebody' };

const factsOf = (kid: string, changes: Partial<AuditFacts> = {}): AuditFacts => ({
  ...{ vaultId, vaultName: 'v', operation: 'GetKey', kid, status: 200, caller, clientAddress: '::1' },
  ...{ requestId: newGuid(systemRandomBytes), correlationId: newGuid(systemRandomBytes) },
  ...changes,
});

async function start() {
  const rootKey = new RootKey(systemRandomBytes(32));
  const sealed = await SealedState.open({ store: new MemoryStateStore(), rootKey, randomBytes: systemRandomBytes });
  const commits: StateCommit[] = [];
  const failure: { next?: Error } = {};
  const state: State = {
    get: (table, id) => sealed.get(table, id),
    list: (table, options) => sealed.list(table, options),
    commit: async (commit) => {
      commits.push(commit);
      const { next } = failure;
      delete failure.next;
      if (next !== undefined) throw next;
      await sealed.commit(commit);
    },
  };
  const groups = new AuditGroups(state, createAuditWriter());
  await sealed.commit({ write: [writeRecord(things, 'one', null, 1), writeRecord(things, 'two', null, 2)] });
  const versionOf = async (id: string): Promise<number> => (await sealed.get(things, id))?.version ?? 0;
  const outcome = (facts: AuditFacts, expect: readonly StateExpectation[] = []): Promise<unknown> =>
    groups.add(instant(0), facts, expect).catch((error: unknown) => error);
  const recorded = async (): Promise<readonly unknown[]> =>
    (await readVaultAudit(sealed)).records.map(({ value }) => value);
  return { sealed, commits, failure, versionOf, outcome, recorded };
}

describe('records of operations that come together', () => {
  it('are one record, and read as if each had its own', async () => {
    const { sealed, commits, outcome, recorded } = await start();
    const facts = [
      factsOf('a'),
      factsOf('a'),
      factsOf('b'),
      factsOf('a', { status: 404, error: { code: 'KeyNotFound' } }),
      factsOf('a', { status: 404, error: { code: 'KeyNotFound', inner: 'x' } }),
      factsOf('a', { clientAddress: '::2' }),
      factsOf('a', { caller: { ...caller, appId: vaultId } }),
      factsOf('a', { caller: { ...caller, displayName: 'another' } }),
      { ...factsOf('a'), vaultId: newGuid(systemRandomBytes) },
    ];
    await Promise.all(facts.map((one) => outcome(one)));
    expect(commits.map(({ write }) => write.length)).toEqual([1]);
    expect(await recorded()).toEqual(facts.map((one) => ({ time: '1970-01-01T00:00:00.000Z', ...one })));
    const ids = (await readVaultAudit(sealed)).records.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].toSorted());
    expect((await readVaultAudit(sealed, { vaultId })).records).toHaveLength(8);
  });

  it('say once what they have in common', async () => {
    const { sealed, outcome } = await start();
    await Promise.all(Array.from({ length: 100 }, () => outcome(factsOf('the same key'))));
    const [record] = await sealed.list(vaultAudit);
    expect(JSON.stringify(record?.value).split('the same key')).toHaveLength(2);
  });

  it('are told when they are durable, not before', async () => {
    const { sealed, outcome } = await start();
    const told = outcome(factsOf('a'));
    let known = 0;
    void told.then(async () => (known = (await sealed.list(vaultAudit)).length));
    expect(await sealed.list(vaultAudit)).toEqual([]);
    await told;
    await told.then(() => undefined);
    expect((await sealed.list(vaultAudit)).length).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(known).toBe(1);
  });

  it('are not recorded where what the operation relied on has changed; the others are', async () => {
    const { sealed, outcome, versionOf, recorded } = await start();
    const [one, two] = [await versionOf('one'), await versionOf('two')];
    await sealed.commit({ write: [writeRecord(things, 'one', one, 3)] });
    const outcomes = await Promise.all([
      outcome(factsOf('stale'), [expectRecord(things, 'one', one)]),
      outcome(factsOf('good'), [expectRecord(things, 'two', two)]),
      outcome(factsOf('current'), [expectRecord(things, 'one', await versionOf('one'))]),
      outcome(factsOf('refused')),
    ]);
    expect(outcomes[0]).toBeInstanceOf(StateConflictError);
    expect(outcomes.slice(1)).toEqual([undefined, undefined, undefined]);
    const kids = (await recorded()).map((record) => (record as AuditFacts).kid);
    expect(kids.toSorted()).toEqual(['current', 'good', 'refused']);
  });

  it('fail with their commit, and those after them do not', async () => {
    const { failure, outcome, recorded } = await start();
    failure.next = new Error('the disk is gone');
    expect(await Promise.all([outcome(factsOf('a')), outcome(factsOf('b'))])).toEqual(
      [failure.next, failure.next].map(() => new Error('the disk is gone')),
    );
    expect(await outcome(factsOf('c'))).toBeUndefined();
    expect(await recorded()).toHaveLength(1);
  });

  it('come in records of a bounded size', async () => {
    const { commits, outcome, recorded } = await start();
    await Promise.all(Array.from({ length: 300 }, (_, index) => outcome(factsOf(`k${index}`))));
    expect(commits).toHaveLength(3);
    expect((await recorded()).map((record) => (record as AuditFacts).kid)).toEqual(
      Array.from({ length: 300 }, (_, index) => `k${index}`),
    );
  });
});

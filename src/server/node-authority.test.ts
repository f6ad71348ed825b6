import { expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { certificateEndMs, createNodeAuthority } from '../http/node-authority.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { readSealedRecord } from '../state/sealed/read-record.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import { nodeAuthorityTable, openNodeAuthority, rootId } from './authority.ts';
import { stateTables } from './state-tables.ts';

const yearMs = 365 * 86_400_000;
const key = (): RootKey => new RootKey(Buffer.alloc(32, 1));
const open = (store: MemoryStateStore, rootKey = key()): Promise<SealedState> =>
  SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });

it('is one, however many nodes make it at once', async () => {
  const store = new MemoryStateStore();
  await open(store); // the state is there
  const nodes = await Promise.all(Array.from({ length: 4 }, () => open(store)));
  const made = await Promise.all(nodes.map((state) => openNodeAuthority(state, () => Date.now())));
  const again = await openNodeAuthority(await open(store), () => Date.now());
  expect(new Set([...made, again].map(({ certificatePem }) => certificatePem)).size).toBe(1);
  expect(new Set([...made, again].map(({ privateKeyPem }) => privateKeyPem)).size).toBe(1);
});

it('lies sealed, and opens for a node that has the root key alone', async () => {
  const store = new MemoryStateStore();
  const { certificatePem, privateKeyPem } = await openNodeAuthority(await open(store), () => Date.now());
  const read = (table: string, id: string) => store.get(table, id);
  expect(await readSealedRecord(read, { rootKey: key() }, nodeAuthorityTable, rootId)).toEqual({
    certificatePem,
    privateKeyPem,
  });
  const lies = Buffer.from((await store.get('node-authority', 'root'))?.value ?? []);
  const secret = privateKeyPem.split('\n')[1] ?? '';
  expect(secret.length).toBeGreaterThan(40);
  expect([lies.length > 500, lies.includes(secret), lies.includes('PRIVATE')]).toEqual([true, false, false]);
  const other = readSealedRecord(read, { rootKey: new RootKey(Buffer.alloc(32, 2)) }, nodeAuthorityTable, rootId);
  await expect(other).rejects.toMatchObject({ name: 'SealedRecordError' });
  const moved = async (table: string, id: string) => {
    const record = await store.get(table === 'node-authority' ? 'certificate-authority' : table, id);
    return record && { ...record, table };
  };
  await (
    await open(store)
  ).commit({
    write: [{ table: { name: 'certificate-authority', parse: String as never }, id: 'root', expect: null, put: 'x' }],
  });
  await expect(readSealedRecord(moved, { rootKey: key() }, nodeAuthorityTable, rootId)).rejects.toMatchObject({
    name: 'SealedRecordError',
  });
  expect(
    await readSealedRecord(() => Promise.resolve(undefined), { rootKey: key() }, nodeAuthorityTable, rootId),
  ).toBeUndefined();
});

it('is made anew by a node that finds less than a year of it left', async () => {
  const store = new MemoryStateStore();
  const state = await open(store);
  const now = Date.now();
  const first = await openNodeAuthority(state, () => now);
  expect(Math.round((certificateEndMs(first.certificatePem) - now) / yearMs)).toBe(10);
  expect(await openNodeAuthority(state, () => now + 8.9 * yearMs)).toEqual(first);
  const next = await openNodeAuthority(state, () => now + 9.1 * yearMs);
  expect(next.certificatePem).not.toBe(first.certificatePem);
  expect(await openNodeAuthority(await open(store), () => now + 9.2 * yearMs)).toEqual(next);
  expect((await createNodeAuthority(now)).privateKeyPem).not.toBe(first.privateKeyPem);
});

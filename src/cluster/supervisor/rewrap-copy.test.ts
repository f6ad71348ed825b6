import { expect, it } from 'vitest';
import { clusterKeysSuite, customerHost } from '../../../tests/support/cluster-keys-fixture.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import { writeRecord } from '../../state/state.ts';

const open = clusterKeysSuite();

/** A cluster whose key has another version since its record was copied. */
async function rotated() {
  const fixture = await open();
  const { cluster, customer, vaults, commit, keys, recordOf } = fixture;
  const old = vaults.addKey(customerHost, 'k');
  const id = await cluster(customer(old));
  const copy = await recordOf(id);
  const next = vaults.addKey(customerHost, 'k');
  await commit(await keys.change(id, customer(next)));
  vaults.calls.length = 0;
  return { ...fixture, id, old, next, copy };
}

it('unwraps by the old version and wraps by the one of now, as the identity of the cluster, and writes nothing', async () => {
  const { keys, id, old, next, copy, vaults, identity, state, recordOf } = await rotated();
  const before = await recordOf(id);
  const result = await keys.rewrapCopy(id, copy);
  if (result.outcome !== 'rewrapped') throw new Error('It was not rewrapped.');
  expect(result.kid).toEqual(next);
  expect(vaults.calls.map((call) => [call.operation, call.version, call.identity])).toEqual([
    ['unwrapKey', old.version, identity],
    ['wrapKey', next.version, identity],
    ['unwrapKey', next.version, identity],
  ]);
  expect(await recordOf(id)).toEqual(before);
  vaults.keyVersion(old).enabled = false;
  const found = await state.get(clusterKeyTable, id);
  const record = { ...before, wrapped: result.wrapped };
  await state.commit({ write: [writeRecord(clusterKeyTable, id, found?.version ?? null, record)] });
  expect((await keys.recheck(id)).suspension).toBeUndefined(); // it is that key
});

it('has nothing to do with the version of now', async () => {
  const { keys, id, next, vaults, recordOf } = await rotated();
  expect(await keys.rewrapCopy(id, await recordOf(id))).toEqual({ outcome: 'current', kid: next });
  expect(vaults.calls).toEqual([]);
});

it('needs both versions', async () => {
  const { keys, id, old, next, copy, vaults } = await rotated();
  vaults.keyVersion(old).enabled = false;
  expect(await keys.rewrapCopy(id, copy)).toMatchObject({ outcome: 'failed', cause: 'keyDisabled' });
  vaults.keyVersion(old).enabled = true;
  vaults.keyVersion(next).enabled = false;
  expect(await keys.rewrapCopy(id, copy)).toMatchObject({ outcome: 'failed', cause: 'keyDisabled' });
});

it('refuses another key, another cluster key, and a cluster that may not use its own', async () => {
  const { keys, id, next, copy, vaults } = await rotated();
  const refused = (text: string) => ({ outcome: 'refused', why: expect.stringContaining(text) as string });
  const other = { ...copy, kid: { ...copy.kid, name: 'other' as typeof copy.kid.name } };
  expect(await keys.rewrapCopy(id, other)).toEqual(refused('under another key'));
  const check = Buffer.alloc(16, 3).toString('base64url') as typeof copy.check;
  expect(await keys.rewrapCopy(id, { ...copy, check })).toEqual(refused('another cluster key'));
  expect(await keys.rewrapCopy(newGuid(systemRandomBytes), copy)).toEqual({ outcome: 'absent' });
  expect(vaults.calls).toEqual([]);
  // A wrap of something else, under the check of the cluster's key.
  const wrapped = Buffer.alloc(256, 1).toString('base64url') as typeof copy.wrapped;
  expect((await keys.rewrapCopy(id, { ...copy, wrapped })).outcome).toBe('failed');
  vaults.keyVersion(next).enabled = false;
  await keys.recheck(id);
  expect(await keys.rewrapCopy(id, copy)).toEqual(refused('may not use its key now'));
});

it('wraps no key of another cluster under the same key anew, which the vault itself would unwrap', async () => {
  const { cluster, customer, commit, keys, recordOf, vaults, id, old, next, copy } = await rotated();
  const other = await cluster(customer(old));
  const theirs = await recordOf(other);
  await commit(await keys.change(other, customer(next)));
  const before = await recordOf(id);
  vaults.calls.length = 0;
  const { wrapped } = theirs;
  expect(await keys.rewrapCopy(id, theirs)).toMatchObject({ outcome: 'refused' });
  expect(vaults.calls).toEqual([]);
  expect(await keys.rewrapCopy(id, { ...copy, wrapped })).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining('is not the key of this cluster') as string,
  });
  expect(vaults.calls.map(({ operation }) => operation)).toEqual(['unwrapKey']); // and nothing was wrapped
  expect(await recordOf(id)).toEqual(before);
  expect((await keys.recheck(id)).suspension).toBeUndefined();
  // Each to its own.
  expect(await keys.rewrapCopy(other, theirs)).toMatchObject({ outcome: 'rewrapped' });
});

import { expect, it } from 'vitest';
import type { VersionedKeyId } from '../base/key-id.ts';
import { formatKeyId, parseVersionedKeyId } from '../base/key-id.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { KeyFailure } from '../encryption/key-wrapper.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import type { OutsideVault } from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import { FakeKeyWrapper } from '../../tests/support/fake-key-wrapper.ts';
import { ControlError } from './control-plane.ts';
import type { RootKeyPlace } from './root-key-place.ts';
import { rewrapHeldRootKey } from './rewrap-root-key.ts';
import { keysInVaults, rewrapRootKey } from './root-key-in-vault.ts';
import type { RootKeyStep } from './rotate-root-key.ts';
import { defaultKeySettings } from './settings.ts';
import { replaceWrapped, wrappedAmong, wrappedRecord, wrapperIn } from './wrapped-root-key.ts';

const kidAt = (host: string, digit: string): VersionedKeyId => {
  const kid = parseVersionedKeyId(`https://${host}/keys/root/${digit.repeat(32)}`);
  if (kid === undefined) throw new Error('That is no kid.');
  return kid;
};
const host = 'keys.vault.azure.net';
const [v1, v2, v3] = ['1', '2', '3'].map((digit) => kidAt(host, digit)) as [
  ...[VersionedKeyId, VersionedKeyId, VersionedKeyId],
];
const vaults = { outsideVaults: [{ host } as unknown as OutsideVault], keys: defaultKeySettings };
const disabled: KeyFailure = { outcome: 'failed', kind: 'refusal', cause: 'keyDisabled', message: 'It is disabled.' };

/** A state whose root key v1 has wrapped, and that a server has open. */
async function served(rootKeyBytes = Buffer.alloc(32, 7)) {
  const [store, wrapper, identity] = [new MemoryStateStore(), new FakeKeyWrapper(), newGuid(systemRandomBytes)];
  const wrapped = await wrapper.wrap(identity, v1, rootKeyBytes);
  if (wrapped.outcome === 'failed') throw new Error(wrapped.message);
  const { value, version, ...place } = wrappedRecord({ kid: v1, wrapped: wrapped.wrapped });
  await store.commit({ write: [{ ...place, expect: null, put: { version, value } }] });
  const rootKey = new RootKey(Buffer.alloc(32, 7));
  const sealed = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes });
  const keyOf = (kid: VersionedKeyId) => ({ kid, wrapper, identity });
  const told: string[] = [];
  const tell = (step: RootKeyStep): Promise<void> => {
    told.push([step.operation, step.status, step.fromKid ?? '-', step.toKid ?? '-'].join(' '));
    return Promise.resolve();
  };
  let kept: RootKeyPlace = { place: 'vault', kid: formatKeyId(v1) };
  const rewrap = (kid: VersionedKeyId | string, oldKid?: VersionedKeyId): Promise<unknown> =>
    rewrapHeldRootKey(
      { sealed, store, dataDirectory: '/nowhere', vaults, place: kept, tell, keyOf },
      {
        kid: typeof kid === 'string' ? kid : formatKeyId(kid),
        ...(oldKid && { oldKid: formatKeyId(oldKid) }),
      },
    ).catch((error: unknown) => (error instanceof ControlError ? error.code : error));
  const find = () => wrappedAmong(store);
  return {
    ...{ store, wrapper, sealed, rootKey, told, tell, rewrap, keyOf, find },
    by: () => wrapperIn(store),
    keepIn: (place: RootKeyPlace) => void (kept = place),
  };
}

const rows = (status: string, from = v1, to = v2): string =>
  `RootKeyRewrap ${status} ${formatKeyId(from)} ${formatKeyId(to)}`;

it('a served root key is unwrapped and compared, wrapped, unwrapped again, and only then replaced', async () => {
  const { wrapper, told, rewrap, by } = await served();
  wrapper.calls.length = 0;
  expect(await rewrap(v2)).toEqual({ from: formatKeyId(v1), to: formatKeyId(v2) });
  expect(wrapper.calls).toEqual([...[`unwrapKey ${v1.version}`, `wrapKey ${v2.version}`, `unwrapKey ${v2.version}`]]);
  expect(await by()).toBe(formatKeyId(v2));
  expect(told).toEqual([rows('Started'), rows('Succeeded')]);
  // Again: nobody asks the old one, and nothing is written.
  expect(await rewrap(v2, v1)).toEqual({ from: formatKeyId(v2), to: formatKeyId(v2) });
  expect(wrapper.calls.slice(3)).toEqual([`unwrapKey ${v2.version}`]);
});

it('whatever fails on the way, the record of before stays, and the same call goes on', async () => {
  const { store, wrapper, told, rewrap, by } = await served();
  const commit = store.commit.bind(store);
  const ways: readonly (readonly [string, () => void, () => void])[] = [
    ['KeyUnavailable', () => (wrapper.fail.unwrap = disabled), () => delete wrapper.fail.unwrap],
    ['KeyUnavailable', () => (wrapper.fail.wrap = disabled), () => delete wrapper.fail.wrap],
    ['KeyUnavailable', () => tamperAfter(wrapper, 1), () => (wrapper.tamper = (plaintext) => plaintext)],
    ['OtherRootKey', () => tamperAfter(wrapper, 0), () => (wrapper.tamper = (plaintext) => plaintext)],
    ['ended', () => (store.commit = () => Promise.reject(new Error('ended'))), () => (store.commit = commit)],
  ];
  for (const [code, take, giveBack] of ways) {
    take();
    const refused = await rewrap(v2);
    expect(refused instanceof Error ? refused.message : refused).toBe(code);
    expect(await by()).toBe(formatKeyId(v1));
    giveBack();
  }
  expect(told).toEqual(ways.flatMap(() => [rows('Started'), rows('Failed')]));
  expect(await rewrap(v2)).toEqual({ from: formatKeyId(v1), to: formatKeyId(v2) });
});

/** The vault gives back another key from the unwrapping of this number on. */
function tamperAfter(wrapper: FakeKeyWrapper, number: number): void {
  let done = 0;
  wrapper.tamper = (plaintext) => ((done += 1) > number ? Buffer.alloc(32, 9) : plaintext);
}

it('another key than the one in memory is not wrapped', async () => {
  const { wrapper, rewrap, by } = await served(Buffer.alloc(32, 8));
  wrapper.calls.length = 0;
  expect([await rewrap(v2), await by()]).toEqual(['OtherRootKey', formatKeyId(v1)]);
  expect(wrapper.calls).toEqual([`unwrapKey ${v1.version}`]);
});

it('nobody is asked for a vault that is not named, a key that is none, another one than was said, or a root key in no vault', async () => {
  const { wrapper, told, rewrap, keepIn } = await served();
  wrapper.calls.length = 0;
  expect(await rewrap(kidAt('other.vault.azure.net', '2'))).toBe('VaultNotNamed');
  expect(await rewrap(`https://${host}/keys/root`)).toBe('InvalidKeyId');
  expect(await rewrap(v3, v2)).toBe('OtherWrapper');
  keepIn({ place: 'environment' });
  expect(await rewrap(v2)).toBe('RootKeyNotInVault');
  expect([wrapper.calls, told]).toEqual([[], []]);
});

it('a commit that comes in between is not overwritten', async () => {
  const { store, wrapper, rewrap, by } = await served();
  const { record } = await wrappedAmong(store);
  if (record === undefined) throw new Error('There is one.');
  let tampered = false;
  wrapper.tamper = (plaintext) => {
    if (!tampered) void replaceWrapped(store, record, wrappedRecord({ kid: v3, wrapped: Buffer.alloc(256, 3) }));
    tampered = true;
    return plaintext;
  };
  expect([await rewrap(v2), await by()]).toEqual(['WrappedMeanwhile', formatKeyId(v3)]);
});

it('a start with two versions is told of a third one that wrapped it, and what to give', async () => {
  const { store, rewrap, keyOf, find } = await served();
  await rewrap(v3);
  const start = rewrapRootKey(keyOf(v2), keyOf(v1), { dataDirectory: '/nowhere', find });
  await expect(start).rejects.toThrow(
    `is wrapped by ${formatKeyId(v3)}, and not by ${formatKeyId(v1)} or ${formatKeyId(v2)}: another version wrapped it meanwhile. If that was you, give ${formatKeyId(v3)} in --root-key-vault`,
  );
  expect(await wrapperIn(store)).toBe(formatKeyId(v3));
});

it.each([
  ['a third one', v3, v3],
  ['the new one', v2, v2],
  ['nobody else', undefined, v2],
] as const)('a node that stood by with two versions takes over when %s wrapped it meanwhile', async (_, by, after) => {
  const { store, sealed, told, tell, rewrap, keyOf, find } = await served();
  const both = { rootKeyVault: v2, oldRootKeyVault: v1, dataDirectory: '/nowhere', find, ...vaults };
  const standing = await keysInVaults(both, keyOf);
  if (by !== undefined) await rewrap(by);
  told.length = 0;
  await standing.keepNext(sealed, store, tell);
  expect(await wrapperIn(store)).toBe(formatKeyId(after));
  expect(told).toEqual(by === undefined ? [rows('Started'), rows('Succeeded')] : []);
});

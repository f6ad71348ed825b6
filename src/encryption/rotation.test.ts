import { describe, expect, it } from 'vitest';
import { FakeKeyWrapper, described } from '../../tests/support/fake-key-wrapper.ts';
import { newGuid } from '../base/new-guid.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { parseVersionedKeyId } from '../base/key-id.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { ClusterKey } from './cluster-key.ts';
import { replaceClusterKey } from './custody-change.ts';
import type { KeyFailure } from './key-wrapper.ts';
import type { WrappedClusterKey } from './rotation.ts';
import { makeClusterKey, openClusterKey, rewrapClusterKey } from './rotation.ts';

const clusterId = newGuid(systemRandomBytes);
const identity = newGuid(systemRandomBytes);
const old = described().kid;
const next = parsed(`https://contoso.vault.azure.net/keys/k/${'b'.repeat(32)}`);
const refusal: KeyFailure = { outcome: 'failed', kind: 'refusal', cause: 'keyDisabled', message: '' };

function parsed(text: string): VersionedKeyId {
  const kid = parseVersionedKeyId(text);
  if (kid === undefined) throw new Error('no kid');
  return kid;
}

async function cluster(): Promise<{ wrapper: FakeKeyWrapper; current: WrappedClusterKey; key: ClusterKey }> {
  const wrapper = new FakeKeyWrapper();
  const made = await makeClusterKey(wrapper, clusterId, { identity, kid: old }, systemRandomBytes);
  if (made.outcome === 'failed') throw new Error('not made');
  wrapper.calls.length = 0;
  const check = made.key.derive('check');
  return {
    wrapper,
    key: made.key,
    current: { clusterId, identities: [identity], kid: old, wrapped: made.wrapped, check },
  };
}

describe('rewrapClusterKey', () => {
  it('unwraps with the recorded kid, wraps with the next, unwraps the new wrap', async () => {
    const { wrapper, current, key } = await cluster();
    const result = await rewrapClusterKey(wrapper, current, { identity, kid: next });
    expect(wrapper.calls).toEqual([`unwrapKey ${old.version}`, `wrapKey ${next.version}`, `unwrapKey ${next.version}`]);
    if (result.outcome !== 'rewrapped') throw new Error('not rewrapped');
    expect(result.key.derive('check')).toEqual(key.derive('check'));
  });

  it('never starts from memory: without the current key nothing is wrapped', async () => {
    const { wrapper, current } = await cluster();
    wrapper.fail.unwrap = refusal;
    expect(await rewrapClusterKey(wrapper, current, { identity, kid: next })).toEqual({
      outcome: 'currentKeyLost',
      failure: refusal,
    });
    expect(wrapper.calls).toEqual([`unwrapKey ${old.version}`]);
  });

  it('a new wrap that opens to something else is refused', async () => {
    const { wrapper, current } = await cluster();
    let unwraps = 0;
    wrapper.tamper = (plaintext) => (++unwraps === 2 ? plaintext.map((byte) => byte ^ 1) : plaintext);
    const result = await rewrapClusterKey(wrapper, current, { identity, kid: next });
    expect(result).toMatchObject({ outcome: 'failed', kind: 'integrity', cause: 'mismatch' });
  });
});

describe('openClusterKey', () => {
  it.each([
    ['31 bytes', (bytes: Uint8Array) => bytes.subarray(1), 'wrongLength'],
    ['64 bytes', (bytes: Uint8Array) => Buffer.concat([bytes, bytes]), 'wrongLength'],
    ['another key', (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x80), 'mismatch'],
  ])('refuses %s as an integrity error', async (_what, tamper, cause) => {
    const { wrapper, current } = await cluster();
    wrapper.tamper = tamper;
    expect(await openClusterKey(wrapper, current)).toMatchObject({ kind: 'integrity', cause });
  });

  it('takes the first identity that may unwrap, and tells the failure of the last', async () => {
    const { wrapper, current } = await cluster();
    const other = newGuid(systemRandomBytes);
    const unwrap = wrapper.unwrap;
    wrapper.unwrap = (who, kid, wrapped) => (who === other ? Promise.resolve(refusal) : unwrap(who, kid, wrapped));
    expect(await openClusterKey(wrapper, { ...current, identities: [other, identity] })).toMatchObject({
      outcome: 'opened',
    });
    expect(await openClusterKey(wrapper, { ...current, identities: [other] })).toEqual(refusal);
  });
});

describe('replaceClusterKey', () => {
  it('makes another key, lends both to the catalog and wipes the old one', async () => {
    const { wrapper, current, key } = await cluster();
    let lent: ClusterKey | undefined;
    const target = { identity, kid: next };
    const result = await replaceClusterKey(wrapper, current, target, systemRandomBytes, (was, will) => {
      expect(was.derive('dekWrapping')).toEqual(key.derive('dekWrapping'));
      expect(will.derive('dekWrapping')).not.toEqual(key.derive('dekWrapping'));
      lent = was;
      return Promise.resolve([]);
    });
    expect(result.outcome).toBe('replaced');
    expect(lent?.isSame(Buffer.alloc(32))).toBe(true);
  });

  it('without the current key makes none', async () => {
    const { wrapper, current } = await cluster();
    wrapper.fail.unwrap = refusal;
    const result = await replaceClusterKey(wrapper, current, { identity, kid: next }, systemRandomBytes, () => {
      throw new Error('the catalog is not touched');
    });
    expect(result).toEqual({ outcome: 'currentKeyLost', failure: refusal });
    expect(wrapper.calls.some((call) => call.startsWith('wrapKey'))).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { FakeKeyWrapper, described } from '../../../tests/support/fake-key-wrapper.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { WrappedClusterKey } from '../../encryption/rotation.ts';
import { KeyHolder } from './key-holder.ts';
import type { NewWrap } from '../messages/key-replies.ts';

const clusterId = newGuid(systemRandomBytes);
const change = newGuid(systemRandomBytes);
const target = { identity: newGuid(systemRandomBytes), kid: described().kid };

function holder() {
  const wrapper = new FakeKeyWrapper();
  const made = new KeyHolder({
    clusterId,
    wrapper,
    randomBytes: systemRandomBytes,
    firstCatalog: () => [],
    rewrapCatalog: () => Promise.resolve([]),
  });
  return { wrapper, holder: made };
}

const wrapOf = (reply: object): NewWrap => {
  if (!('wrapped' in reply) || !('check' in reply)) throw new Error('refused');
  return reply as NewWrap;
};

const currentOf = ({ wrapped, check }: NewWrap): WrappedClusterKey => ({
  clusterId,
  identities: [target.identity],
  kid: target.kid,
  wrapped,
  check,
});

const inUse = (keys: KeyHolder) => keys.current()?.key.derive('check').toString('hex');
const hex = ({ check }: NewWrap): string => Buffer.from(check).toString('hex');

describe('KeyHolder', () => {
  it('uses a key only after its commit', async () => {
    const { holder: keys } = holder();
    const made = wrapOf(await keys.make({ target }));
    expect(keys.current()).toBeUndefined();
    expect(keys.adopt({ generation: 1, check: made.check })).toEqual({ outcome: 'adopted' });
    expect(keys.current()?.generation).toBe(1);
    expect(inUse(keys)).toBe(hex(made));
  });

  it('of two changes under way adopts the one that was committed, not the later one', async () => {
    const { holder: keys } = holder();
    const made = wrapOf(await keys.make({ target }));
    keys.adopt({ generation: 1, check: made.check });
    const current = currentOf(made);
    const [one, two] = [
      await keys.replace({ current, target, change }),
      await keys.replace({ current, target, change }),
    ].map(wrapOf);
    if (one === undefined || two === undefined) throw new Error('refused');
    expect(hex(one)).not.toBe(hex(two));
    keys.adopt({ generation: 2, check: one.check });
    expect(inUse(keys)).toBe(hex(one));
    keys.forget({ check: two.check });
    expect(keys.adopt({ generation: 2, check: two.check })).toEqual({ outcome: 'absent' });
    expect(keys.current()).toBeUndefined(); // rather none than one that is not the record's
  });

  it('keeps the key in use when it is opened again or wrapped anew', async () => {
    const { holder: keys } = holder();
    const made = wrapOf(await keys.make({ target }));
    keys.adopt({ generation: 1, check: made.check });
    const borrowed = keys.current()?.key;
    await keys.open({ current: currentOf(made), generation: 1 });
    const again = wrapOf(await keys.rewrap({ current: currentOf(made), target }));
    keys.adopt({ generation: 1, check: again.check });
    expect(keys.current()?.key).toBe(borrowed);
    expect(inUse(keys)).toBe(hex(made));
  });

  it('opens no key of another cluster', async () => {
    const { holder: keys } = holder();
    const made = wrapOf(await keys.make({ target }));
    const current = { ...currentOf(made), clusterId: newGuid(systemRandomBytes) };
    await expect(keys.open({ current, generation: 1 })).rejects.toThrow('its own cluster');
  });
});

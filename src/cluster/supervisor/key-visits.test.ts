import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clusterKeysSuite, customerHost, isAlive } from '../../../tests/support/cluster-keys-fixture.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';

const open = clusterKeysSuite();

/** Clusters of a server that was started again: none has a process. */
async function resting(count: number) {
  const fixture = await open();
  const { vaults, cluster, customer, reopen } = fixture;
  const clusters: { readonly id: Guid; readonly identity: Guid; readonly kid: ReturnType<typeof vaults.addKey> }[] = [];
  for (let n = 0; n < count; n += 1) {
    const identity = newGuid(systemRandomBytes);
    vaults.vault(customerHost).access.set(identity, new Set(['get', 'wrapKey', 'unwrapKey']));
    const kid = vaults.addKey(customerHost, `k${n}`);
    clusters.push({ id: await cluster(customer(kid, { identity, versionless: true })), identity, kid });
  }
  const keys = await reopen();
  fixture.log.lines.length = 0;
  vaults.calls.length = 0;
  fixture.minted.length = 0;
  return {
    ...fixture,
    ...{ keys, clusters },
    started: () => fixture.log.lines.filter((line) => line.includes('cluster-process-started')),
    pidOf: async (id: Guid): Promise<number> => {
      const admission = await keys.admit(id);
      if (admission.outcome !== 'admitted') throw new Error(`not admitted: ${admission.outcome}`);
      return admission.pid;
    },
  };
}

describe('the keys of clusters that have no process', () => {
  it('are checked by one process, each with its own identity, which then ends', async () => {
    const { keys, clusters, clock, vaults, recordOf, started, minted } = await resting(3);
    const before = new Set(childPids());
    const visitors = new Set<number>();
    vaults.before = () => {
      for (const pid of childPids()) if (!before.has(pid)) visitors.add(pid);
    };
    const leases = await Promise.all(
      clusters.map(async ({ id }) => (await recordOf(id)).lease?.unwrapped.kustody ?? 0),
    );
    keys.start();
    await clock.advance(30_000);
    await clock.advance(30_000);
    const unwrapping = vaults.calls.filter(({ operation, status }) => operation === 'unwrapKey' && status === 200);
    for (const { id, identity, kid } of clusters) {
      const tokens = minted.filter((token) => token.identity === identity);
      expect(new Set(tokens.map(({ usedBy }) => usedBy))).toEqual(new Set([`/clusters/${id}`]));
      expect(unwrapping.some((call) => call.identity === identity && call.name === kid.name)).toBe(true);
      expect(unwrapping.filter((call) => call.name === kid.name).every((call) => call.identity === identity)).toBe(
        true,
      );
    }
    for (const [index, { id }] of clusters.entries())
      expect((await recordOf(id)).lease?.unwrapped.kustody).toBeGreaterThan(leases[index] ?? 0);
    expect(started()).toEqual([]);
    expect(visitors.size).toBeGreaterThanOrEqual(1); // rounds that follow at once share one
    expect(visitors.size).toBeLessThanOrEqual(3);
    expect([...visitors].filter(isAlive)).toEqual([]);
  });

  it('are lost within a period: no process is started to find out, nor to be refused, and given back they open', async () => {
    const { keys, clusters, clock, vaults, started, pidOf } = await resting(1);
    const [{ id, kid }] = clusters as [(typeof clusters)[number]];
    keys.start();
    await clock.advance(0);
    vaults.keyVersion(kid).enabled = false;
    await clock.advance(30_000);
    expect((await keys.status(id))?.suspension).toMatchObject({ failure: { cause: 'keyDisabled' } });
    expect(await keys.admit(id)).toMatchObject({ outcome: 'suspended' });
    vaults.keyVersion(kid).enabled = true;
    await clock.advance(30_000);
    expect((await keys.status(id))?.suspension).toBeUndefined();
    expect(started()).toEqual([]);
    expect(await keys.admitted(id)).toEqual({ outcome: 'notReady' });
    expect(isAlive(await pidOf(id))).toBe(true);
  });

  it('are asked for once more before the first answer', async () => {
    const { keys, clusters, clock, vaults } = await resting(1);
    const [{ id, kid }] = clusters as [(typeof clusters)[number]];
    keys.start();
    await clock.advance(30_000);
    vaults.keyVersion(kid).enabled = false;
    expect(await keys.admit(id)).toMatchObject({ outcome: 'suspended' });
  });

  it('follow a new version, which then opens', async () => {
    const { keys, clusters, clock, vaults, recordOf, started, pidOf } = await resting(1);
    const [{ id, kid }] = clusters as [(typeof clusters)[number]];
    const next = vaults.addKey(customerHost, kid.name);
    keys.start();
    await clock.advance(30_000);
    expect((await recordOf(id)).kid).toEqual(next);
    expect(started()).toEqual([]);
    vaults.keyVersion(kid).enabled = false; // nothing hangs on the old one
    expect(isAlive(await pidOf(id))).toBe(true);
  });

  it('never pass through a process that becomes the one of a cluster', async () => {
    const { keys, clusters, clock, vaults, pidOf } = await resting(2);
    const [first, second] = clusters as [(typeof clusters)[number], (typeof clusters)[number]];
    const visitors = new Set<number>();
    let needed: Promise<number> | undefined;
    const before = new Set(childPids());
    vaults.before = () => {
      if (needed !== undefined) return;
      for (const pid of childPids()) if (!before.has(pid)) visitors.add(pid);
      needed = pidOf(second.id); // while the visit goes on
    };
    await keys.checkAll();
    await clock.advance(0);
    expect(visitors.size).toBe(1);
    expect(visitors).not.toContain(await needed);
    expect(visitors).not.toContain(await pidOf(first.id));
    expect([...visitors].filter(isAlive)).toEqual([]);
  });
});

/** Of processes like those of clusters, and of nothing else that is started beside them. */
const childPids = (): number[] =>
  readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((pid) => {
      try {
        return /cluster-process[^\0]*\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);

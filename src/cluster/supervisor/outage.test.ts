import { describe, expect, it } from 'vitest';
import { clusterKeysSuite, customerHost } from '../../../tests/support/cluster-keys-fixture.ts';

const open = clusterKeysSuite();

describe('a vault that cannot be asked', () => {
  const outages = {
    throttled: { status: 429, body: '' },
    serverError: { status: 503, body: '' },
    unreachable: { status: 0, drop: true },
    unknown: { status: 418, body: '{}' },
  } as const;

  it.each(Object.entries(outages))(
    '%s: the lease lasts into its grace, then the cluster is suspended',
    async (cause, answer) => {
      const { keys, cluster, customer, vaults, clock } = await open();
      const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
      vaults.intercept = () => answer;
      keys.start();
      await clock.advance(300_000 + 30_000);
      expect((await keys.admit(id)).outcome).toBe('admitted');
      await clock.advance(3_600_000 - 330_000 - 1000);
      expect((await keys.admit(id)).outcome).toBe('admitted');
      await clock.advance(30_000);
      expect(await keys.admit(id)).toMatchObject({
        outcome: 'suspended',
        suspension: { failure: { kind: 'outage', cause } },
      });
      vaults.intercept = () => undefined;
      await clock.advance(30_000);
      expect((await keys.admit(id)).outcome).toBe('admitted');
    },
  );

  it('goes on no longer than its node may answer, which no grace lengthens', async () => {
    let nodeLeaseMs = 4_000;
    const { keys, cluster, customer, vaults, clock } = await open({ nodeLeaseMs: () => nodeLeaseMs });
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    vaults.intercept = () => outages.unreachable;
    keys.start();
    await clock.advance(300_000 + 30_000);
    expect(await keys.admit(id)).toMatchObject({ outcome: 'admitted', leaseMs: 4_000 });
    nodeLeaseMs = 0;
    expect(await keys.admit(id)).toEqual({ outcome: 'notReady' });
    nodeLeaseMs = 1;
    expect(await keys.admit(id)).toMatchObject({ outcome: 'admitted', leaseMs: 1 });
  });

  it('a timeout counts as an outage', async () => {
    const { keys, cluster, customer, vaults, recordOf } = await open({ vaultTimeoutMs: 2_500 });
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    vaults.intercept = () => ({ status: 0, hang: true });
    expect((await keys.recheck(id)).suspension).toBeUndefined();
    expect((await recordOf(id)).lease?.outage?.failure).toMatchObject({ cause: 'timeout', kind: 'outage' });
  });

  it('without grace: suspended when the cached key has run out', async () => {
    const { keys, cluster, customer, vaults, clock } = await open({ settings: { keyOutageGraceSeconds: 0 } });
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    vaults.intercept = () => ({ status: 503 });
    keys.start();
    await clock.advance(299_000);
    expect((await keys.admit(id)).outcome).toBe('admitted');
    await clock.advance(31_000);
    expect((await keys.admit(id)).outcome).toBe('suspended');
  });

  it('400 is no revocation: what is left of the lease is used up, without grace', async () => {
    const { keys, cluster, customer, vaults, clock } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    vaults.intercept = () => ({ status: 400, body: '{"error":{"code":"BadParameter","message":"no"}}' });
    keys.start();
    await clock.advance(270_000);
    expect((await keys.admit(id)).outcome).toBe('admitted');
    await clock.advance(60_000);
    expect(await keys.admit(id)).toMatchObject({
      outcome: 'suspended',
      suspension: { failure: { kind: 'integrity', cause: 'badRequest' } },
    });
  });

  it('a refusal after an outage ends the lease at once', async () => {
    const { keys, cluster, customer, vaults } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    vaults.intercept = () => ({ status: 503 });
    expect((await keys.recheck(id)).suspension).toBeUndefined();
    vaults.intercept = () => ({ status: 403, body: '' }); // an empty body is a refusal, too
    expect((await keys.recheck(id)).suspension).toMatchObject({ failure: { cause: 'forbidden', status: 403 } });
  });

  it('401 is answered with one forced fresh token, then it is a refusal', async () => {
    const { keys, cluster, customer, vaults, minted } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    const rejected = new Set<string>();
    vaults.intercept = ({ token }) => {
      if (rejected.size > 0 && !rejected.has(token)) return undefined;
      rejected.add(token);
      return { status: 401, body: '{"error":{"code":"Unauthorized","message":"old"}}' };
    };
    minted.length = 0;
    expect((await keys.recheck(id)).suspension).toBeUndefined();
    expect(rejected.size).toBe(1);
    vaults.intercept = () => ({ status: 401, body: '' });
    minted.length = 0;
    expect((await keys.recheck(id)).suspension).toMatchObject({ failure: { cause: 'unauthorized' } });
    expect(minted).toHaveLength(2);
  });
});

describe('lease', () => {
  it('ends in real time although the Kustody clock stands still', async () => {
    const { keys, cluster, customer, vaults, clock, host } = await open();
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    await clock.freeze();
    vaults.keyVersion(kid).enabled = false;
    expect((await keys.admit(id)).outcome).toBe('admitted'); // nobody has looked yet
    await host.elapse(301_000);
    expect((await keys.admit(id)).outcome).toBe('suspended');
  });

  it('90 days pass in a moment: one check, and the cluster is still admitted', async () => {
    const { keys, cluster, customer, vaults, clock } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    keys.start();
    await clock.advance(0);
    vaults.calls.length = 0;
    await clock.advance(90 * 86_400_000);
    expect(vaults.count('unwrapKey')).toBeLessThan(5);
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });
});

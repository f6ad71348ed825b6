import { describe, expect, it } from 'vitest';
import { clusterKeysSuite, customerHost, isAlive } from '../../../tests/support/cluster-keys-fixture.ts';
import { until } from '../../../tests/support/until.ts';

const open = clusterKeysSuite();
const hour = 3_600_000;
const day = 24 * hour;

describe("a step of the machine's clock", () => {
  it.each([
    ['2 h back', -2 * hour],
    ['2 h forward', 2 * hour],
    ['91 days back', -91 * day],
    ['91 days forward', 91 * day],
  ])('%s: a key that was taken away afterwards is missed within one period', async (_name, step) => {
    const { keys, cluster, customer, vaults, host, pidOf } = await open();
    const kid = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(kid));
    keys.start();
    await host.elapse(0);
    host.jump(step);
    const pid = await pidOf(id);
    vaults.keyVersion(kid).enabled = false;
    await host.elapse(30_000);
    await until(() => !isAlive(pid));
    await keys.checkAll();
    expect(await keys.status(id)).toMatchObject({ suspension: { failure: { cause: 'keyDisabled' } } });
  });

  it('a lease ends on monotonic time, however the wall clock stands', async () => {
    const { keys, cluster, customer, vaults, host } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    host.jump(-2 * hour);
    expect((await keys.admitted(id)).outcome).toBe('admitted');
    await host.elapse(299_000);
    expect((await keys.admitted(id)).outcome).toBe('admitted');
    await host.elapse(1_000);
    expect((await keys.admitted(id)).outcome).toBe('notReady');
  });

  it('the grace of an outage ends on monotonic time, too', async () => {
    const { keys, cluster, customer, vaults, host } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    keys.start();
    vaults.intercept = () => ({ status: 503 });
    await host.elapse(60_000);
    host.jump(-91 * day);
    for (let elapsed = 0; elapsed < hour; elapsed += 30_000) {
      await host.elapse(30_000);
      await keys.checkAll();
    }
    expect(await keys.admit(id)).toMatchObject({ outcome: 'suspended', suspension: { failure: { kind: 'outage' } } });
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  clusterKeysSuite,
  customerHost,
  isAlive,
  serviceHost,
  started,
} from '../../../tests/support/cluster-keys-fixture.ts';
import { until } from '../../../tests/support/until.ts';
import { keyTodos } from './key-todos.ts';

const open = clusterKeysSuite();

describe('versionless key', () => {
  it('follows the latest version with one unwrap, one wrap and the proof', async () => {
    const { keys, cluster, customer, vaults } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old, { versionless: true }));
    const next = vaults.addKey(customerHost, 'k');
    expect((await keys.recheck(id)).kid).toEqual(next);
    vaults.keyVersion(old).enabled = false;
    expect((await keys.recheck(id)).suspension).toBeUndefined();
    expect(await keys.status(id)).toMatchObject({ generation: 1 });
  });

  it.each([
    ['disabled', { enabled: false }, 'it is disabled'],
    ['expired', { exp: started / 1000 - 1 }, 'it has expired'],
    ['not yet valid', { nbf: started / 1000 + 86_400 }, 'it is not valid yet'],
    ['of another type', { kty: 'EC' }, 'it is EC'],
  ])('a latest version that is %s is not followed and does not suspend', async (_what, flaw, text) => {
    const { keys, cluster, customer, vaults } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old, { versionless: true }));
    vaults.addKey(customerHost, 'k', flaw);
    const status = await keys.recheck(id);
    expect(status).toMatchObject({ kid: old });
    expect(status.suspension).toBeUndefined();
    expect(status.warning).toContain(text);
  });

  it('is not followed away from a version that no longer unwraps', async () => {
    const { keys, cluster, customer, vaults } = await open();
    const old = vaults.addKey(customerHost, 'k');
    const id = await cluster(customer(old, { versionless: true }));
    vaults.addKey(customerHost, 'k');
    vaults.keyVersion(old).enabled = false;
    expect(await keys.recheck(id)).toMatchObject({ kid: old, suspension: { failure: { cause: 'keyDisabled' } } });
  });
});

describe('process', () => {
  it('that checked a key becomes the next cluster’s, and never another one’s', async () => {
    const { keys, cluster, customer, vaults, pidOf } = await open();
    const custody = customer(vaults.addKey(customerHost, 'k'));
    if (custody.kind !== 'customer') throw new Error('no customer');
    const before = childPids();
    await keys.preflight(custody.key, 'eastus');
    const [checking] = childPids().filter((pid) => !before.includes(pid));
    const first = await cluster(custody);
    expect(await pidOf(first)).toBe(checking);
    await keys.preflight(custody.key, 'eastus');
    const second = await cluster(custody);
    expect(await pidOf(second)).not.toBe(checking);
    expect(await pidOf(first)).toBe(checking);
  });

  it('that does not tell its clients why is ended all the same', async () => {
    const { keys, cluster, host, pidOf } = await open();
    const id = await cluster();
    const pid = await pidOf(id);
    process.kill(pid, 'SIGSTOP');
    const state = { ended: false };
    const stopped = keys.stop(id).finally(() => (state.ended = true));
    while (!state.ended) await host.elapse(100);
    await stopped;
    expect(isAlive(pid)).toBe(false);
  });

  it('that is killed comes back by itself, and a call in flight is made again', async () => {
    const { keys, cluster, customer, vaults, host, pidOf } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    const first = await pidOf(id);
    let killed = false;
    vaults.before = () => {
      if (!killed) process.kill(first, 'SIGKILL');
      killed = true;
    };
    const recheck = keys.recheck(id);
    await until(() => killed);
    await host.elapse(1);
    expect((await recheck).suspension).toBeUndefined();
    const second = await pidOf(id);
    expect(second).not.toBe(first);
  });

  it('that dies while nobody asks anything starts again by itself and opens its key', async () => {
    const { cluster, customer, vaults, host, log, pidOf } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    const pid = await pidOf(id);
    vaults.calls.length = 0;
    process.kill(pid, 'SIGKILL');
    await until(() => log.lines.some((line) => line.includes('cluster-process-crashed')));
    await host.elapse(0);
    await until(() => vaults.count('unwrapKey') > 0);
    expect(await pidOf(id)).not.toBe(pid);
  });

  it('that keeps dying pauses longer each time; the vault is not blamed and nothing is suspended', async () => {
    const { keys, cluster, customer, vaults, host, log, pidOf } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    const crashes = (): number[] =>
      log.lines.flatMap((line) => /cluster-process-crashed.*"restartInMs":(\d+)/.exec(line)?.[1] ?? []).map(Number);
    for (const [count, pause] of [0, 250, 500, 1000].entries()) {
      process.kill(await pidOf(id), 'SIGKILL');
      await until(() => crashes().length > count);
      expect(crashes().at(-1)).toBe(pause);
      if (pause > 0) expect((await keys.admit(id)).outcome).toBe('notReady');
      expect(await keys.status(id)).not.toHaveProperty('suspension');
      await host.elapse(pause);
    }
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });

  it('ends on stop; a stopped cluster is not checked until it starts', async () => {
    const { keys, cluster, customer, vaults, clock, pidOf } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    const pid = await pidOf(id);
    await keys.stop(id);
    expect(isAlive(pid)).toBe(false);
    keys.start();
    vaults.calls.length = 0;
    await clock.advance(300_000);
    expect(vaults.calls).toEqual([]);
    expect(await keys.admit(id)).toEqual({ outcome: 'stopped' });
    await keys.recheck(id); // after an identity change, say
    expect(vaults.calls).toEqual([]);
    expect(await keys.admit(id)).toEqual({ outcome: 'stopped' });
    await keys.recheck(id, { startStopped: true });
    expect((await keys.admit(id)).outcome).toBe('admitted');
  });

  it('does not come back when the cluster is stopped during a check', async () => {
    const { keys, cluster, customer, vaults, log } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    let stopped = false;
    vaults.before = async () => {
      if (stopped) return;
      stopped = true;
      await keys.stop(id);
    };
    await keys.recheck(id);
    expect(stopped).toBe(true);
    expect(await keys.admit(id)).toEqual({ outcome: 'stopped' });
    const pids = log.lines.flatMap((line) => /"pid":(\d+)/.exec(line)?.[1] ?? []).map(Number);
    expect(pids.length).toBeGreaterThan(0);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('that hangs is ended after a time, and another one answers', async () => {
    const { keys, cluster, customer, vaults, host, log, pidOf } = await open();
    const id = await cluster(customer(vaults.addKey(customerHost, 'k')));
    const pid = await pidOf(id);
    process.kill(pid, 'SIGSTOP');
    const recheck = keys.recheck(id);
    const ended = () => log.lines.some((line) => line.includes('cluster-process-crashed'));
    await host.elapse(34_000);
    expect(ended()).toBe(false);
    await host.elapse(1_000);
    await until(ended);
    expect((await recheck).suspension).toBeUndefined();
    expect(await pidOf(id)).not.toBe(pid);
    const said = log.lines.filter((line) => line.includes('cluster-process-silent'));
    expect(said).toEqual([`warning cluster-process-silent [{"clusterId":"${id}","call":"open","seconds":35}]`]);
  });

  it('that is killed by somebody else was not silent', async () => {
    const { cluster, customer, vaults, log, pidOf } = await open();
    process.kill(await pidOf(await cluster(customer(vaults.addKey(customerHost, 'k')))), 'SIGKILL');
    await until(() => log.lines.some((line) => line.includes('cluster-process-crashed')));
    expect(log.lines.join()).not.toContain('cluster-process-silent');
  });

  it('that hangs in the check of a key before it has a cluster says so, too', async () => {
    const { keys, customer, vaults, host, log } = await open();
    const custody = customer(vaults.addKey(customerHost, 'k'));
    if (custody.kind !== 'customer') throw new Error('no customer');
    const before = childPids();
    let hangs = false;
    vaults.before = () => {
      if (hangs) return;
      for (const pid of childPids().filter((each) => !before.includes(each))) process.kill(pid, 'SIGSTOP');
      hangs = true;
    };
    const checked = keys.preflight(custody.key, 'eastus').catch((error: unknown) => error);
    await until(() => hangs);
    await host.elapse(35_000);
    const said = () => log.lines.filter((line) => line.includes('cluster-process-silent'));
    await until(() => said().length > 0);
    await checked;
    expect(said()).toEqual(['warning cluster-process-silent [{"call":"preflight","seconds":35}]']);
  });

  it('of a removed cluster is gone, with its service key', async () => {
    const { keys, cluster, vaults, state, pidOf } = await open();
    const id = await cluster();
    const pid = await pidOf(id);
    await state.commit({ write: await keys.remove(id) });
    await keys.stop(id);
    expect(isAlive(pid)).toBe(false);
    expect(vaults.vault(serviceHost).keys.size).toBe(0);
    expect(await state.list(keyTodos)).toEqual([]);
  });

  it('gets nothing of the environment', async () => {
    process.env.KUSTODY_TEST_SECRET = 'planted';
    try {
      const { cluster, pidOf } = await open();
      const pid = await pidOf(await cluster());
      const { readFileSync } = await import('node:fs');
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      expect(environment).not.toContain('planted');
      expect(environment).not.toContain('PATH=');
      expect(readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(/Umask:\s+0077/);
      expect(readFileSync(`/proc/${pid}/coredump_filter`, 'latin1').trim()).toBe('00000000');
    } finally {
      delete process.env.KUSTODY_TEST_SECRET;
    }
  });
});

const childPids = (): number[] =>
  readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { commandOf, descendantsOf, isRunning } from '../support/process-tree.ts';

const onLinux = existsSync('/proc/self/stat');

interface Processes {
  readonly server: number;
  readonly cluster: number;
  readonly parser: number;
}

/** A process that is stopped does nothing of its own, as one whose event loop is busy for good: only the kernel can end it. */
const freeze = (pid: number): void => void process.kill(pid, 'SIGSTOP');

/** @throws Error after a minute: then what was started is ended all the same */
async function untilGone(...pids: readonly number[]): Promise<void> {
  for (let looks = 0; pids.some(isRunning); looks += 1) {
    if (looks > 3_000) throw new Error(`still there: ${pids.filter(isRunning).map(commandOf).join(', ')}`);
    await pause(20);
  }
}

/** A connection that was handed to the process in the moment of its death is gone with it; clients connect anew. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (attempt >= 100 || !/ECONNRESET|socket (disconnected|hang up)/.test(String(error))) throw error;
      await pause(20);
    }
  }
}

async function withCluster(act: (processes: Processes, cluster: LiveCluster) => Promise<void>): Promise<void> {
  using directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  const started = startKustody(['up', '--data', data, '--virtual-time', '--log-level', 'silent']);
  const all: number[] = [];
  try {
    await started.printed('Stop with');
    const server = started.process.pid ?? 0;
    const live = await openLiveCluster(data);
    expect(await live.query('print 1')).toEqual([[1]]);
    all.push(...descendantsOf(server));
    const named = (name: string): number => all.find((pid) => commandOf(pid).includes(`/${name}.`)) ?? 0;
    const [cluster, parser] = [named('cluster-process'), named('kql-process')];
    expect([isRunning(cluster), isRunning(parser)]).toEqual([true, true]);
    await act({ server, cluster, parser }, live);
  } finally {
    for (const pid of all) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    started.process.kill('SIGKILL');
    await started.result;
  }
}

describe.skipIf(!onLinux)('the parser of a cluster, however busy,', () => {
  it('ends when the cluster is suspended', () =>
    withCluster(async ({ parser }, live) => {
      freeze(parser);
      expect(await live.setKeyEnabled(false)).toMatchObject([{ suspended: true }]);
      await untilGone(parser);
    }));

  it("ends when the cluster's process dies", () =>
    withCluster(async ({ cluster, parser }, live) => {
      freeze(parser);
      process.kill(cluster, 'SIGKILL');
      await untilGone(cluster, parser);
      expect(await untilAnswered(() => live.query('print 2'))).toEqual([[2]]); // the cluster comes back
    }));
});

describe.skipIf(!onLinux)('a query in the middle of a function that takes long', () => {
  it('is told that the cluster is suspended', () =>
    withCluster(async ({ cluster }, live) => {
      const text = 'print array_length(series_fir(range(1, 60000, 1), range(1, 20000, 1), false, false))';
      const answer = live.queryStatus(text);
      const isRunning = async (): Promise<boolean> =>
        JSON.stringify(await live.command('.show running queries')).includes('series_fir(range');
      while (!(await isRunning())) await pause(20);
      expect(await live.setKeyEnabled(false)).toMatchObject([{ suspended: true }]);
      expect(await answer).toBe(503);
      await untilGone(cluster);
    }));
});

describe.skipIf(!onLinux)('the processes of a cluster, however busy,', () => {
  it('end when the server is killed', () =>
    withCluster(async ({ server, cluster, parser }) => {
      freeze(parser);
      freeze(cluster);
      process.kill(server, 'SIGKILL');
      await untilGone(cluster, parser);
    }));

  it(
    'end when server and cluster process are killed at once, and nothing is left that watched them',
    { timeout: 240_000 },
    () =>
      withCluster(async ({ server, cluster, parser }) => {
        const all = descendantsOf(server);
        freeze(parser);
        for (const pid of [server, cluster]) process.kill(pid, 'SIGKILL');
        await untilGone(...all);
      }),
  );
});

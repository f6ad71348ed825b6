import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instant } from '../../src/clock/clock.ts';
import { backUp } from '../../src/server/moving/backup.ts';
import { restoreCluster } from '../../src/server/moving/cluster-restore.ts';
import { changeCluster, clusterIn, keptOfLater, makeClusterInstance } from '../support/backed-up-cluster.ts';
import { buildProgram } from '../support/build-program.ts';
import { quickDirectory } from '../support/quick-directory.ts';

const runs = Math.max(4, Number(process.env['KUSTODY_CRASH_RUNS'] ?? 12));
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'set-back.mjs');
const directory = quickDirectory('kustody-cluster-kills-');
const [instance, copy, to] = ['instance', 'copy', 'to'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
];
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const now = () => instant(0);
beforeAll(async () => {
  buildProgram(join(import.meta.dirname, 'migrating.ts'), program);
  await makeClusterInstance(instance);
  mkdirSync(copy, { mode: 0o700 });
  await backUp({ from: { dataDirectory: instance }, to: { dataDirectory: copy }, cluster: 'one', now });
});

it(
  `a cluster that is set back and killed at a step, ${runs} of them, is as it was or as its backup with the access of now, and stays suspended`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    const backedUp = { ...(await clusterIn(instance)), suspended: true, kept: keptOfLater };
    await changeCluster(instance);
    const before = await clusterIn(instance);
    expect(before.digest).not.toBe(backedUp.digest);
    const runAt = (step: number) => {
      rmSync(to, { recursive: true, force: true });
      cpSync(instance, to, { recursive: true });
      const run = spawnSync(process.execPath, [program, copy, to, String(step), 'restoreCluster']);
      return { signal: run.signal, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
    };
    const whole = runAt(0);
    expect(whole).toMatchObject({ signal: null, stderr: '' });
    const { length: steps } = JSON.parse(whole.stdout) as string[];
    expect(steps).toBeGreaterThan(20);
    const found = new Set<string>();
    for (const step of new Set(
      Array.from({ length: runs }, (_, at) => 1 + Math.round((at * (steps - 1)) / (runs - 1))),
    )) {
      expect({ step, ...runAt(step) }).toMatchObject({ step, signal: 'SIGKILL' });
      const cluster = await clusterIn(to);
      const isBack = cluster.digest === backedUp.digest;
      expect({ step, cluster }).toEqual({ step, cluster: isBack ? backedUp : before });
      found.add(isBack ? 'back' : 'before');
      const ends = { from: { dataDirectory: copy }, to: { dataDirectory: to }, cluster: 'one' };
      await restoreCluster({ ...ends, acceptsRollback: true, now });
      expect({ step, cluster: await clusterIn(to) }).toEqual({ step, cluster: backedUp });
    }
    expect(found).toEqual(new Set(['before', 'back']));
  },
);

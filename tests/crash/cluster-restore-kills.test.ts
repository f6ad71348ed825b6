import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instant } from '../../src/clock/clock.ts';
import { backUp } from '../../src/server/moving/backup.ts';
import { restoreCluster } from '../../src/server/moving/cluster-restore.ts';
import { rewrapBackup } from '../../src/server/moving/cluster-rewrap.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import {
  askNext,
  changeCluster,
  clusterId,
  clusterIn,
  keptOfLater,
  keyIn,
  makeClusterInstance,
  nextVersion,
} from '../support/backed-up-cluster.ts';
import { buildProgram } from '../support/build-program.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { spreadSteps } from './spread-steps.ts';

const runs = Math.max(4, Number(process.env['KUSTODY_CRASH_RUNS'] ?? 5));
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'set-back.cjs');
let start: readonly string[] = [];
const directory = quickDirectory('kustody-cluster-kills-');
const [instance, copy, to] = ['instance', 'copy', 'to'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
];
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const now = () => instant(0);
beforeAll(async () => {
  start = buildProgram(join(import.meta.dirname, 'migrating.ts'), program);
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
    // One extent is to take the place of another.
    const [first = ''] = extentsIn(copy);
    const good = readFileSync(join(copy, first));
    writeFileSync(join(instance, first), Buffer.from(good).fill(7, 0, 64));
    const damaged = readFileSync(join(instance, first));
    const isWhole = (path: string) => existsSync(path) && readFileSync(path).equals(good);
    const runAt = (step: number) => {
      rmSync(to, { recursive: true, force: true });
      cpSync(instance, to, { recursive: true });
      const run = spawnSync(process.execPath, [...start, copy, to, String(step), 'restoreCluster']);
      return { signal: run.signal, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
    };
    const whole = runAt(0);
    expect(whole).toMatchObject({ signal: null, stderr: '' });
    const { length: steps } = JSON.parse(whole.stdout) as string[];
    expect(steps).toBeGreaterThan(20);
    const found = new Set<string>();
    for (const step of spreadSteps(steps, runs)) {
      expect({ step, ...runAt(step) }).toMatchObject({ step, signal: 'SIGKILL' });
      const cluster = await clusterIn(to);
      const isBack = cluster.digest === backedUp.digest;
      expect({ step, cluster }).toEqual({ step, cluster: isBack ? backedUp : before });
      found.add(isBack ? 'back' : 'before');
      const place = join(to, first);
      const isOwn = existsSync(place) && readFileSync(place).equals(damaged);
      expect({ step, isOneOfThem: isWhole(place) || (isOwn && !isBack) }).toEqual({
        ...{ step, isOneOfThem: true },
      });
      const ends = { from: { dataDirectory: copy }, to: { dataDirectory: to }, cluster: 'one' };
      await restoreCluster({ ...ends, acceptsRollback: true, now });
      expect({ step, cluster: await clusterIn(to) }).toEqual({ step, cluster: backedUp });
      expect({ step, isWhole: isWhole(place) }).toEqual({ step, isWhole: true });
    }
    expect(found).toEqual(new Set(['before', 'back']));
  },
);

it(
  `a backup whose key is wrapped anew and that is killed at a step, ${runs} of them, is under one version or the other`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    const moved = join(directory, 'moved');
    const runAt = (step: number) => {
      rmSync(moved, { recursive: true, force: true });
      cpSync(copy, moved, { recursive: true });
      const run = spawnSync(process.execPath, [...start, instance, moved, String(step), 'rewrap']);
      return { signal: run.signal, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
    };
    const restored = async () => {
      rmSync(to, { recursive: true, force: true });
      cpSync(instance, to, { recursive: true });
      const ends = { from: { dataDirectory: moved }, to: { dataDirectory: to }, cluster: 'one', acceptsRollback: true };
      const { manifest } = await restoreCluster({ ...ends, now });
      const key = await keyIn(to);
      expect(manifest.cluster?.kid).toContain(key.split(' ')[0]);
      return key;
    };
    const whole = runAt(0);
    expect(whole).toMatchObject({ signal: null, stderr: '' });
    const [first, next] = [`${'0'.repeat(32)} first`, `${nextVersion} next`];
    expect(await restored()).toBe(next);
    const { length: steps } = JSON.parse(whole.stdout) as string[];
    const found = new Set<string>();
    for (const step of spreadSteps(steps, runs)) {
      expect({ step, ...runAt(step) }).toMatchObject({ step, signal: 'SIGKILL' });
      const key = await restored();
      expect({ step, isEither: key === first || key === next }).toEqual({ step, isEither: true });
      found.add(key);
      const rootKey = parseRootKey(readFileSync(join(instance, 'root.key'), 'utf8'));
      await rewrapBackup({ to: { dataDirectory: moved }, cluster: 'one', rootKey, ask: askNext });
      expect({ step, key: await restored() }).toEqual({ step, key: next });
      expect(await tablesIn(moved)).toHaveLength(1); // of the side of before there is nothing
    }
    expect(found).toEqual(new Set([first, next]));
  },
);

/** Of the cluster, below its directory. */
const extentsIn = (path: string): readonly string[] =>
  readdirSync(join(path, 'extents', clusterId), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.blob'))
    .sort()
    .map((name) => join('extents', clusterId, name));

/** Sides with the record of a key. */
async function tablesIn(path: string): Promise<readonly string[]> {
  const store = SqliteStateStore.open(path);
  const tables = await store.tables();
  await store.close();
  return tables.filter((name) => name.endsWith('-cluster-keys'));
}

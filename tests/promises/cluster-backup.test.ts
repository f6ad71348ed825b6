import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { kustody, startKustody, temporaryDirectory, withoutProgress } from '../support/kustody-command.ts';

const canary = 'set-back-canary-9d41f0';
const saying = (text: string): string => expect.stringContaining(text) as string;

let directory: ReturnType<typeof temporaryDirectory>;
beforeAll(() => {
  directory = temporaryDirectory();
});
afterAll(() => directory[Symbol.dispose]());

it('a backup of a cluster sets its rows back, holds no key, and reads nothing once its key was taken away', async () => {
  const [data, copy] = [join(directory.path, 'data'), join(directory.path, 'copy')];
  const served = async <T>(work: () => Promise<T>, more: readonly string[] = []): Promise<T> => {
    const up = startKustody(['up', '--data', data, '--log-level', 'silent', ...more]);
    try {
      await up.printed('Stop with');
      return await work();
    } finally {
      up.process.kill('SIGTERM');
      await up.result;
    }
  };
  const query = (text: string) => kustody(['query', '--data', data, text, '--format', 'csv']);
  const done = async (text: string): Promise<void> => expect(await query(text)).toMatchObject({ code: 0, stderr: '' });
  await served(async () => {
    await done('.create table T (A:long, B:string)');
    await done(`.set-or-append T <| range A from 1 to 70000 step 1 | extend B = strcat('${canary}', A)`);
    await done(`.set-or-append T <| print A=70001, B='${canary}'`); // a row of the log
    // Then everybody who reads the database reads these.
    for (const name of ['Secret', 'Barred', 'Wide']) await done(`.set-or-append ${name} <| range A from 1 to 9 step 1`);
    await done('.create-or-alter function Mine() { Secret }');
    await done('.alter-merge table Wide (B:string)');
    await done('.set stored_query_result Theirs <| Secret');
  }, ['--seed']);

  const backup = ['backup', '--data', data, '--cluster', 'kustody', '--to', copy];
  expect(await kustody([...backup.slice(0, 4), 'nobody', ...backup.slice(5)])).toMatchObject({
    ...{ code: 1, stderr: saying("There is no cluster 'nobody'") },
  });
  const taken = await kustody([...backup, '--json']);
  expect(taken).toMatchObject({ code: 0 });
  const told = JSON.parse(taken.stdout) as { cluster: { kid: string }; blobs: { blobs: number } };
  expect(told.cluster.kid).toMatch(/^https:\/\/kustody-keys\.vault\.azure\.net\/keys\/cluster-key\/[0-9a-f]{32}$/);
  expect(await tablesIn(copy)).toEqual(['cluster-catalog', 'cluster-keys', ...sealing]);
  const key = readFileSync(join(data, 'root.key'), 'utf8').trim();
  for (const path of filesIn(copy)) {
    const bytes = readFileSync(path);
    for (const text of [canary, key, Buffer.from(key, 'base64url')]) expect(bytes.includes(text)).toBe(false);
  }
  expect(existsSync(join(copy, 'root.key'))).toBe(false);
  expect(await kustody(['up', '--data', copy])).toMatchObject({ code: 1, stderr: saying('is a backup') });

  await served(async () => {
    await done('.clear table T data');
    await done(".set-or-append T <| print A=1, B='later'");
    await done('.create table Later (A:long)');
    await done('.create-or-alter function Mine() { Secret | where A < 3 }');
    await done('.alter table Secret policy row_level_security enable "Mine"');
    await done('.alter table Barred policy restricted_view_access true');
    await done('.alter-merge table Wide (C:string)');
    await done(`.alter table Wide policy row_level_security enable "Wide | where C == 'mine'"`);
    await done('.drop stored_query_result Theirs');
  });
  const restore = ['restore', '--from', copy, '--cluster', 'kustody', '--to', data];
  expect(await kustody(restore)).toMatchObject({ code: 1, stderr: saying('Give --accept-rollback') });
  expect(readFileSync(join(data, 'kustody.log'), 'utf8')).toMatch(
    /ClusterRestore.*without --accept-rollback.*restore-refused/,
  );
  const whole = ['restore', '--from', copy, '--to', join(directory.path, 'new'), '--accept-rollback'];
  expect(await kustody(whole, { KUSTODY_ROOT_KEY: key })).toMatchObject({
    ...{ code: 1, stderr: saying("is a backup of the cluster 'kustody'") },
  });
  expect(await kustody([...restore, '--accept-rollback'])).toMatchObject({
    code: 0,
    stdout: saying('who may read or do what now, of 1 databases, 5 tables'),
  });
  await served(async () => {
    // What keeps rows from people is that of now, its functions included; one that cannot apply fails.
    expect((await query('Secret | count')).stdout).toContain('\n2');
    expect(await query('Barred | count')).toMatchObject({ code: 1 });
    expect(await query('Wide | count')).toMatchObject({ code: 1 });
    expect(await query('stored_query_result("Theirs") | count')).toMatchObject({ code: 1 });
    expect((await query('.show journal | project Event, EntityName')).stdout).toContain('Secret');
    expect((await query(`T | where B startswith '${canary}' | count`)).stdout).toContain('70001');
    expect((await query('T | count')).stdout).toContain('70001');
    expect((await query('.show tables')).stdout).not.toContain('Later');
    await done(".set-or-append T <| print A=2, B='after'");
    expect((await query('T | count')).stdout).toContain('70002');
    expect(await kustody(['audit', 'verify', '--data', data])).toMatchObject({ code: 0 });
    for (const operation of ['ClusterBackup', 'ClusterRestore']) {
      const shown = await kustody(['audit', 'show', '--data', data, '--operation', operation, '--json']);
      expect(shown.stdout).toContain(copy);
      expect(shown.stdout.includes('"Refused"')).toBe(operation === 'ClusterRestore');
    }
  });

  const client = join(import.meta.dirname, 'change-key.client.mjs');
  const change = async (kid: string, what: string): Promise<string> => {
    const changed = await kustody(['run', '--data', data, '--', process.execPath, client, kid, what]);
    expect({ ...changed, stderr: withoutProgress(changed.stderr) }).toMatchObject({ code: 0, stderr: '' });
    return changed.stdout.trim();
  };
  // A version that the cluster has left: its backup moves to the one of now, while the old one still opens it.
  const next = await change(told.cluster.kid, 'rotate');
  expect(next).not.toBe(told.cluster.kid);
  const rewrap = ['backup', 'rewrap', '--data', data, '--to', copy, '--cluster', 'kustody', '--json'];
  expect(await kustody(rewrap)).toMatchObject({ code: 1, stderr: saying('No Kustody runs') });
  const wraps = await wrapIn(copy);
  await served(async () => {
    await kustody(['check-keys', '--data', data]);
    for (const before of [told.cluster.kid, null]) {
      const moved = await kustody(rewrap);
      expect({ code: moved.code, ...(JSON.parse(moved.stdout) as object) }).toMatchObject({
        ...{ code: 0, before, cluster: { kid: next } },
      });
    }
    const shown = await kustody(['audit', 'show', '--data', data, '--operation', 'ClusterBackupRewrap', '--json']);
    expect(shown.stdout).toContain(copy);
  });
  expect(filesIn(copy).some((path) => readFileSync(path).includes(wraps))).toBe(false);
  await change(told.cluster.kid, 'disable');
  expect(await kustody([...restore, '--accept-rollback'])).toMatchObject({ code: 0, stdout: saying(next) });
  await served(async () => {
    expect((await query('T | count')).stdout).toContain('70001');
  });
  await change(next, 'disable');
  // Restored after the revocation: the key of then is asked of the vault of now.
  expect(await kustody([...restore, '--accept-rollback'])).toMatchObject({ code: 0 });
  await served(async () => {
    const refused = await query('T | take 1');
    expect(refused).toMatchObject({ code: 1, stderr: saying('disabled') });
    expect(refused.stdout).not.toContain(canary);
  });
});

/** The record of the key, as it is sealed in the backup. */
async function wrapIn(copy: string): Promise<Buffer> {
  const store = SqliteStateStore.open(copy);
  const [record] = await store.list('side-a-cluster-keys');
  await store.close();
  if (record === undefined) throw new Error('The backup has a key.');
  return Buffer.from(record.value);
}

/** What each sealed state has: its id, and digests. */
const sealing = ['seal', 'tree-copies', 'tree-heads', 'tree-pages'];

async function tablesIn(copy: string): Promise<readonly string[]> {
  const store = SqliteStateStore.open(copy);
  const tables = await store.tables();
  await store.close();
  return tables.filter((name) => name.startsWith('side-a-')).map((name) => name.slice('side-a-'.length));
}

const filesIn = (path: string): readonly string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile());

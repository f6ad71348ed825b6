import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerClient } from '@azure/storage-blob';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory, withoutProgress } from '../support/kustody-command.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';

const canary = 'moved-canary-7f3a91';

describe.skipIf(!hasPostgres)('kustody migrate, there and back', () => {
  let server: Postgres;
  let azurite: Azurite;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server.stop(), azurite.stop()]));

  it('moves rows, keys and roles to PostgreSQL and Blob and back, as they lie there, and each source says where they went', async () => {
    using directory = temporaryDirectory();
    const [one, two, three] = ['one', 'two', 'three'].map((name) => join(directory.path, name)) as [
      string,
      string,
      string,
    ];
    const up = startKustody(['up', '--data', one, '--seed', '--log-level', 'silent']);
    await up.printed('Stop with');
    for (const command of [
      '.create table T (A:long, B:string)',
      `.set-or-append T <| range A from 1 to 70000 step 1 | extend B = strcat('${canary}', A)`,
    ])
      expect(await kustody(['query', '--data', one, command])).toMatchObject({ code: 0 });
    const busy = await kustody(['migrate', '--from', one, '--to', two]);
    expect(busy).toMatchObject({ code: 1, stderr: saying('is in use by another Kustody') });
    const before = await environmentOf(one);
    up.process.kill('SIGTERM');
    await up.result;

    const key = readFileSync(join(one, 'root.key'), 'utf8');
    const environment = {
      ...{ KUSTODY_ROOT_KEY: key.trim(), PGPASSWORD: databasePassword },
      CONNECTION: azurite.connectionString,
    };
    const container = (await azurite.newContainer()).replace(/\?.*/, '');
    const state = server.url('moved');
    const ends = {
      there: ['--from', one, '--to', two, '--to-state', state, '--to-blobs', container],
      back: ['--from', two, '--from-state', state, '--from-blobs', container, '--to', three],
    };
    const [toCredential, fromCredential] = ['to', 'from'].map((end) => [`--${end}-blobs-credential`, 'env:CONNECTION']);
    const there = ['migrate', ...ends.there, ...(toCredential ?? [])];
    const back = ['migrate', ...ends.back, ...(fromCredential ?? [])];

    const noKey = await kustody(there, { ...environment, KUSTODY_ROOT_KEY: '' });
    expect(noKey).toMatchObject({ code: 1 });
    const plan = await kustody([...there, '--plan', '--json'], environment);
    expect(plan).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(two)).toBe(false);
    const planned = JSON.parse(plan.stdout) as {
      records: { digest: string; records: number };
      blobs: { blobs: number };
    };
    expect(planned).toMatchObject({ planned: true, rootKey: 'elsewhere', clusters: 1, blobsStay: false });
    expect(planned.blobs.blobs).toBeGreaterThan(0);

    const moved = await kustody([...there, '--json'], environment);
    expect({ ...moved, stderr: withoutProgress(moved.stderr) }).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(moved.stdout)).toMatchObject({
      ...{ planned: false, records: planned.records, blobs: planned.blobs },
    });
    expect(readdirSync(two).sort()).toEqual(['state.db']);
    expect(statSync(join(two, 'state.db')).mode & 0o077).toBe(0);
    expect(await kustody(there, environment)).toMatchObject({ code: 0, stdout: saying('was moved already') });
    expect(await kustody(['up', '--data', one])).toMatchObject({
      code: 1,
      stderr: saying(`was moved to ${two}, state`),
    });
    // Neither the key nor a row goes to the database in the clear.
    const stored = await everything('moved', planned.records.records);
    for (const text of [canary, key.trim(), Buffer.from(key, 'base64url').toString('hex')])
      expect(stored.includes(text)).toBe(false);

    const places = ['--state', state, '--blobs', container, '--blobs-credential', 'env:CONNECTION'];
    const served = startKustody(['up', '--data', two, ...places, '--log-level', 'silent'], environment);
    await served.printed('Stop with');
    expect(await rowsOf(two)).toContain('70000,70000');
    expect(await environmentOf(two)).toEqual(before);
    expect(await kustody(['query', '--data', two, '.set-or-append T <| print A=0, B="late"'])).toMatchObject({
      code: 0,
    });
    served.process.kill('SIGTERM');
    await served.result;

    const returned = await kustody(back, environment);
    expect(returned).toMatchObject({ code: 0, stdout: saying('kept elsewhere, by you: not copied') });
    expect(existsSync(join(three, 'root.key'))).toBe(false);
    expect(await kustody(['up', '--data', two, ...places], environment)).toMatchObject({
      ...{ code: 1, stderr: saying(`was moved to ${three}`) },
    });
    // The keeper of the key may put it beside the data again.
    writeFileSync(join(three, 'root.key'), key, { mode: 0o600 });
    const last = startKustody(['up', '--data', three, '--log-level', 'silent']);
    await last.printed('Stop with');
    expect(await rowsOf(three)).toContain('70001,70001');
    expect(await environmentOf(three)).toEqual(before);
    const audit = ['audit', 'show', '--data', three, '--operation', 'InstanceMove', '--json'];
    const { stdout: told } = await kustody(audit);
    for (const left of [one, `${two}, state in`]) expect(told).toContain(left);
    expect(await kustody(['audit', 'verify', '--data', three])).toMatchObject({ code: 0 });
    last.process.kill('SIGTERM');
    await last.result;
    expect(await namesIn(azurite, container)).toContain('kustody-instance');
    // What was moved away may be deleted.
    expect(await kustody(['reset', '--data', one, '--yes'])).toMatchObject({ code: 0 });
  });

  async function everything(schema: string, records: number): Promise<Buffer> {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server.port, user: 'kustody', database: 'postgres', password: databasePassword },
    });
    await client.connect();
    const { rows } = await client.query<{ id: string; value: Buffer }>(`SELECT id, value FROM "${schema}".record`);
    await client.end();
    expect(rows.length).toBeGreaterThanOrEqual(records);
    return Buffer.concat(rows.flatMap(({ id, value }) => [Buffer.from(id), value]));
  }
});

const rowsOf = async (data: string): Promise<string> =>
  (
    await kustody([
      'query',
      '--data',
      data,
      'T | summarize count(), dcount(A, 4) | project-rename A=count_',
      '--format',
      'csv',
    ])
  ).stdout;

/** Who and what exists: ids and secrets of the instance. */
async function environmentOf(data: string): Promise<readonly string[]> {
  const { stdout } = await kustody(['env', '--data', data, '--format', 'dotenv']);
  const kept = stdout.split('\n').filter((line) => /AZURE_(TENANT|CLIENT|SUBSCRIPTION)/.test(line));
  expect(kept.length).toBeGreaterThan(2);
  return kept;
}

const saying = (text: string): string => expect.stringContaining(text) as string;

async function namesIn({ connectionString }: Azurite, container: string): Promise<readonly string[]> {
  const client = new ContainerClient(connectionString, new URL(container).pathname.split('/').at(-1) ?? '');
  const names: string[] = [];
  for await (const { name } of client.listBlobsFlat()) names.push(name);
  return names;
}

describe('kustody migrate refuses', () => {
  it.each<readonly [string, readonly string[], string]>([
    ['an address of a state in the place of a directory', ['--from', 'postgres://u@h/d', '--to', 'x'], '--from-state'],
    ['what is no data directory', ['--from', '/nowhere', '--to', 'x'], 'is not a data directory of Kustody'],
    ['a password in an address', ['--from', 'a', '--to', 'x', '--to-state', 'postgres://u:p@h/d'], 'holds a password'],
    [
      'a signature in an address',
      ['--from', 'a', '--to', 'x', '--to-blobs', 'https://a.blob.core.windows.net/c?sig=x'],
      'every user of this machine can see',
    ],
  ])('%s', async (_what, options, why) => {
    const { code, stdout, stderr } = await kustody(['migrate', ...options]);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: saying(why),
    } satisfies Partial<CommandResult>);
  });
});

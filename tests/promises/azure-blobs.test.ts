import { readdirSync, readFileSync, openSync, closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';

describe('extents in a container of Azure Blob Storage', () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());

  const rows = async (data: string): Promise<string> =>
    (await kustody(['query', '--data', data, 'T | count', '--format', 'csv'])).stdout;

  it('are served again after a kill, belong to their state, and no secret is told', async () => {
    using directory = temporaryDirectory();
    const [data, secret] = [join(directory.path, 'data'), join(directory.path, 'connection')];
    writeFileSync(secret, azurite.connectionString, { mode: 0o600 });
    const url = await azurite.newContainer();
    const container = url.replace(/\?.*/, '');
    const descriptor = openSync(secret, 'r');
    const blobs = ['--blobs', container, '--blobs-credential'];
    const up = startKustody(['up', '--data', data, '--seed', ...blobs, 'fd:3'], {}, [descriptor]);
    await up.printed('Stop with');
    closeSync(descriptor);
    for (const command of ['.create table T (A:long)', '.set-or-append T <| range A from 1 to 700 step 1'])
      expect(await kustody(['query', '--data', data, command])).toMatchObject({ code: 0 });
    const status = await kustody(['status', '--data', data]);
    expect(status.stdout).toContain(`sealed extents         ${container}\n`);
    const seen = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${up.process.pid}/${name}`, 'latin1'));
    const joining = ['run', '--data', data, ...blobs, 'env:CONNECTION', '--', 'true'];
    expect(await kustody(joining, { CONNECTION: azurite.connectionString })).toMatchObject({
      code: 1,
      stderr: saying('--blobs counts for a server that is started now'),
    });
    up.process.kill('SIGKILL');
    const { stdout, stderr } = await up.result;
    const log = readFileSync(join(data, 'kustody.log'), 'utf8');
    for (const text of [...seen, log, stdout, stderr, status.stdout]) {
      expect(text).not.toContain(azurite.accountKey);
      expect(text).not.toContain('sig=');
    }
    expect(readdirSync(data)).not.toContain('extents');
    expect(await namesIn(url)).toContain('kustody-instance');
    expect((await namesIn(url)).length).toBeGreaterThan(1);

    const again = startKustody(['up', '--data', data, ...blobs, `file:${secret}`]);
    await again.printed('Stop with');
    expect(await rows(data)).toContain('700');
    again.process.kill('SIGTERM');
    await again.result;

    const other = (await azurite.newContainer()).replace(/\?.*/, '');
    const environment = { CONNECTION: azurite.connectionString };
    const refused = (at: string, ...options: string[]): Promise<CommandResult> =>
      kustody(['run', '--data', at, ...options, '--', 'sh', '-c', 'echo served'], environment);
    expect(await refused(data)).toMatchObject({ code: 1, stderr: saying('Give that with --blobs') });
    expect(await refused(data, '--blobs', other, '--blobs-credential', 'env:CONNECTION')).toMatchObject({
      code: 1,
      stderr: saying(`are in ${container}, not in ${other}`),
    });
    const elsewhere = join(directory.path, 'elsewhere');
    expect(await refused(elsewhere, ...blobs, 'env:CONNECTION')).toMatchObject({
      code: 1,
      stderr: saying('belongs to another instance'),
    });
    await Promise.all((await namesIn(url)).map((name) => new ContainerClient(url).deleteBlob(name)));
    expect(await refused(data, ...blobs, 'env:CONNECTION')).toMatchObject({
      code: 1,
      stderr: saying('does not have the mark of this instance'),
    });
  });

  it('are not begun beside extents in a directory, nor left behind by an instance that goes', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const command = ['--', 'true'];
    expect(await kustody(['run', '--data', data, '--seed', ...command])).toMatchObject({ code: 0 });
    const url = await azurite.newContainer();
    const blobs = ['--blobs', url.replace(/\?.*/, ''), '--blobs-credential', 'env:CONNECTION'];
    const environment = { CONNECTION: azurite.connectionString };
    expect(await kustody(['run', '--data', data, ...blobs, ...command], environment)).toMatchObject({
      code: 1,
      stderr: saying("are in its data directory. 'kustody migrate' moves them"),
    });
    expect(await kustody(['run', ...blobs, ...command], environment)).toMatchObject({
      code: 1,
      stderr: saying('would leave its sealed extents behind'),
    });
    expect(await namesIn(url)).toEqual([]);
  });

  it.each([
    [['--blobs', 'https://acc.blob.core.windows.net/box?sv=1&sig=verysecret'], 'every user of this machine can see'],
    [['--blobs', 'http://acc.blob.core.windows.net/box'], 'https:// only'],
    [['--blobs-credential', 'AccountKey=verysecret'], 'every user of this machine can see'],
    [['--blobs-credential', 'env:NAME'], 'for a container that --blobs names'],
    [['--blobs-cache', '100'], 'for a container that --blobs names'],
    [['--blobs-cache', '1.5'], 'Give whole mebibytes'],
    [['--blobs', 'https://acc.blob.core.windows.net/box', '--blobs-credential', 'env:NONE'], 'no variable NONE'],
    [['--blobs', 'https://acc.blob.core.windows.net/box', '--blobs-credential', 'env:HOME'], 'no connection string'],
  ])('refuse %j', async (options, why) => {
    using directory = temporaryDirectory();
    const { code, stdout, stderr } = await kustody(['up', '--data', directory.path, ...options]);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: saying(why) });
    expect(stderr).not.toContain('verysecret');
  });
});

const saying = (text: string): string => expect.stringContaining(text) as string;

async function namesIn(container: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of new ContainerClient(container).listBlobsFlat()) names.push(name);
  return names;
}

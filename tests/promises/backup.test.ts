import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';

const canary = 'backed-up-canary-51c0e7';

it('a backup brings an instance back as it was, when somebody says yes to that, and the audit tells of both', async () => {
  using directory = temporaryDirectory();
  const path = (name: string): string => join(directory.path, name);
  const [data, copy, back, running, again, one] = [
    ...[path('data'), path('copy'), path('back')],
    ...[path('running'), path('again'), path('one')],
  ] as [string, string, string, string, string, string];
  const query = async (at: string, text: string): Promise<string> => {
    const answer = await kustody(['query', '--data', at, text, '--format', 'csv']);
    expect(answer).toMatchObject({ code: 0 });
    return answer.stdout;
  };
  const served = async (
    at: string,
    work: () => Promise<void>,
    more: readonly string[] = [],
    env = {},
  ): Promise<void> => {
    const up = startKustody(['up', '--data', at, '--log-level', 'silent', ...more], env);
    await up.printed('Stop with');
    await work();
    up.process.kill('SIGTERM');
    await up.result;
  };
  await served(data, async () => {
    await query(data, '.create table T (A:long, B:string)');
    await query(data, `.set-or-append T <| range A from 1 to 70000 step 1 | extend B = strcat('${canary}', A)`);
    // It goes on serving: rows that come meanwhile are in the backup whole or not at all.
    const own = await kustody(['backup', '--data', data, '--to', join(data, 'inside')]);
    expect(own).toMatchObject({ code: 1, stderr: saying('in the data directory that it would be a backup of') });
    expect(existsSync(join(data, 'inside'))).toBe(false);
    const [live] = await Promise.all([
      kustody(['backup', '--data', data, '--to', running, '--json']),
      query(data, '.set-or-append T <| range A from 1 to 50000 step 1 | extend B = "meanwhile"'),
    ]);
    expect({ code: live.code, ...(JSON.parse(live.stdout) as object) }).toMatchObject({ code: 0, to: running });
    await query(data, '.set-or-append T <| print A=1, B="afterwards"');
    const rows = ['backup', '--data', data, '--cluster', 'kustody', '--to', one, '--json'];
    expect(await kustody(rows)).toMatchObject({ code: 0, stdout: saying('"catalog"') });
    await query(data, '.delete table T records <| T | where B == "meanwhile" or B == "afterwards"');
  }, ['--seed']);
  const taken = await kustody(['backup', '--data', data, '--to', copy]);
  expect(taken).toMatchObject({ code: 0, stdout: saying('The root key is not in it') });
  const key = readFileSync(join(data, 'root.key'), 'utf8').trim();
  for (const path of filesIn(copy)) {
    const bytes = readFileSync(path);
    for (const text of [canary, key, Buffer.from(key, 'base64url')]) expect(bytes.includes(text)).toBe(false);
  }
  expect(await kustody(['up', '--data', copy])).toMatchObject({ code: 1, stderr: saying('is a backup, and is not') });
  await served(data, async () => {
    await query(data, '.clear table T data');
    await query(data, '.set-or-append T <| print A=1, B="later"');
  });

  const restoring = ['restore', '--from', copy, '--to', back];
  const environment = { KUSTODY_ROOT_KEY: key };
  expect(await kustody(restoring)).toMatchObject({ code: 1, stderr: saying('opens with the root key') });
  expect(await kustody(restoring, environment)).toMatchObject({ code: 1, stderr: saying('Give --accept-rollback') });
  expect(readFileSync(join(copy, 'kustody.log'), 'utf8')).toMatch(
    /InstanceRestore.*without --accept-rollback.*restore-refused/,
  );
  expect(await kustody([...restoring, '--accept-rollback'], environment)).toMatchObject({ code: 0 });
  await served(
    back,
    async () => {
      expect(await query(back, 'T | count')).toContain('70000');
      const { stdout } = await kustody(['audit', 'show', '--data', back, '--operation', 'InstanceRestore', '--json']);
      expect(stdout).toContain(copy);
      expect(await kustody(['audit', 'verify', '--data', back])).toMatchObject({ code: 0 });
    },
    [],
    environment,
  );
  const fromRunning = ['restore', '--from', running, '--to', again, '--accept-rollback'];
  expect(await kustody(fromRunning, environment)).toMatchObject({ code: 0 });
  await served(
    again,
    async () => {
      const found = await query(
        again,
        'T | summarize countif(B startswith "backed"), countif(B == "meanwhile"), count()',
      );
      expect(found.trim().split('\n')[1]).toMatch(/^70000,(0,70000|50000,120000)$/);
      expect(await kustody(['audit', 'verify', '--data', again])).toMatchObject({ code: 0 });
    },
    [],
    environment,
  );
  const setBack = ['restore', '--from', one, '--cluster', 'kustody', '--to', data, '--accept-rollback'];
  expect(await kustody(setBack)).toMatchObject({ code: 0 });
  await served(data, async () => {
    expect(await query(data, 'T | count')).toContain('120001');
    await query(data, '.clear table T data');
    expect(await query(data, 'T | count')).not.toContain('70000');
    const { stdout } = await kustody(['audit', 'show', '--data', data, '--operation', 'InstanceBackup', '--json']);
    expect(stdout).toContain(copy);
    const proof = await kustody(['proof', '--data', data, '--json']);
    const { copies, clusters } = JSON.parse(proof.stdout) as { copies: unknown[]; clusters: { kid: string }[] };
    const told = { kind: 'instance', of: copy, what: saying('a backup of the whole instance was made there') };
    expect(copies).toContainEqual(expect.objectContaining(told));
    const kid = clusters[0]?.kid ?? '';
    const lineage = await kustody(['lineage', '--data', data, kid, '--json']);
    expect(JSON.parse(lineage.stdout)).toMatchObject({ kid, copies });
    for (const command of [['proof'], ['lineage', kid]]) {
      const { stdout: text } = await kustody([...command, '--data', data]);
      expect(text.slice(text.indexOf('Not taken away with the key'))).toMatch(
        /copy[ │]+a backup of the whole instance/,
      );
    }
  });
});

const saying = (text: string): string => expect.stringContaining(text) as string;

const filesIn = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());

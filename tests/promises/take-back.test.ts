import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instant } from '../../src/clock/clock.ts';
import type { MoveEnd } from '../../src/server/moving/move-end.ts';
import { migrate } from '../../src/server/moving/migrate.ts';
import { takeBack } from '../../src/server/moving/take-back.ts';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { isServed, makeInstance } from '../support/moved-instance.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';

const saying = (text: string): string => expect.stringContaining(text) as string;

it('an instance whose new place is lost is served from the old one, when somebody says yes to what that means', async () => {
  using directory = temporaryDirectory();
  const [one, two] = [join(directory.path, 'one'), join(directory.path, 'two')];
  const seeded = startKustody(['up', '--data', one, '--seed', '--log-level', 'silent']);
  await seeded.printed('Stop with');
  const filled = await kustody(['query', '--data', one, '.set T <| range A from 1 to 1000 step 1']);
  seeded.process.kill('SIGTERM');
  await seeded.result;
  expect(filled).toMatchObject({ code: 0 });
  expect(await kustody(['migrate', '--from', one, '--to', two])).toMatchObject({ code: 0 });
  expect(await kustody(['up', '--data', one])).toMatchObject({ code: 1, stderr: saying('--take-back') });

  const back = ['migrate', '--from', one, '--to', two, '--take-back'];
  expect(await kustody([...back, '--yes'])).toMatchObject({ code: 1, stderr: saying('still holds a state') });
  rmSync(two, { recursive: true });
  expect(await kustody(back)).toMatchObject({ code: 1, stderr: saying('Nobody is there to ask') });
  expect(await kustody(['up', '--data', one])).toMatchObject({ code: 1, stderr: saying('was moved to') });
  expect(await kustody([...back, '--yes'])).toMatchObject({ code: 0, stdout: saying('is never served') });

  const up = startKustody(['up', '--data', one, '--log-level', 'silent']);
  await up.printed('Stop with');
  const counted = await kustody(['query', '--data', one, 'T | count', '--format', 'csv']);
  const told = await kustody(['audit', 'show', '--data', one, '--operation', 'InstanceTakenBack', '--json']);
  const verified = await kustody(['audit', 'verify', '--data', one]);
  up.process.kill('SIGTERM');
  await up.result;
  expect(counted.stdout).toContain('1000');
  expect(told.stdout).toContain(two);
  expect(verified).toMatchObject({ code: 0 });
});

describe.skipIf(!hasPostgres)('a state in PostgreSQL', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  it('is not lost while its server answers and has it, refuses the password, or cannot be asked', async () => {
    using directory = temporaryDirectory();
    const [from, to] = ['from', 'to'].map((name) => ({ dataDirectory: join(directory.path, name) })) as [
      MoveEnd,
      MoveEnd,
    ];
    const rootKey = new RootKey(Buffer.alloc(32, 7));
    await makeInstance(from.dataDirectory, rootKey);
    mkdirSync(to.dataDirectory, { mode: 0o700 });
    const endAt = (url: string, password = databasePassword): MoveEnd => ({
      ...to,
      statePlace: { address: parsePostgresAddress(url), password: () => password },
    });
    const url = server.url('taken');
    const now = () => instant(0);
    await migrate({ from, to: endAt(url), rootKey: new RootKey(Buffer.alloc(32, 7)), now });
    rmSync(to.dataDirectory, { recursive: true });
    const take = (target: MoveEnd) =>
      takeBack({
        ...{ from, to: target, rootKey: new RootKey(Buffer.alloc(32, 7)), now },
        confirm: () => Promise.resolve(true),
      });
    await expect(take(endAt(url))).rejects.toThrow('still holds a state');
    await expect(take(endAt(url, 'wrong'))).rejects.toThrow('cannot be reached');
    await expect(take(to)).rejects.toThrow('not to');
    expect(await isServed(from.dataDirectory)).toBe(false);
    await server.stop();
    expect(await take(endAt(url))).toMatchObject({ other: saying('state in') });
    expect(await isServed(from.dataDirectory)).toBe(true);
  });
});

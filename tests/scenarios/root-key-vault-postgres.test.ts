import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceStatus } from '../../src/cli/status.ts';
import { kustody } from '../support/kustody-command.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, openPostgres, startPostgres } from '../support/postgres.ts';
import { openRootKeyOwner } from '../support/root-key-vault.ts';
import { newKey, oldKey } from '../support/rotated-instance.ts';

describe.skipIf(!hasPostgres)('a root key in a vault of a state in PostgreSQL', () => {
  let owner: Awaited<ReturnType<typeof openRootKeyOwner>>;
  let server: Postgres;
  beforeAll(async () => {
    [owner, server] = await Promise.all([openRootKeyOwner(), startPostgres()]);
  });
  afterAll(() => Promise.all([owner.close(), server.stop()]));

  it('goes in, is wrapped by a newer version, and comes back, by commands; status names it', async () => {
    const [data, url] = [owner.placeOf('data'), server.url('root_key_in_vault')];
    const [state, password] = [['--state', url], { PGPASSWORD: databasePassword }];
    const succeeded = async (args: readonly string[], variables: Readonly<Record<string, string>> = {}) => {
      const { code, stdout, stderr } = await kustody(args, { ...password, ...variables });
      expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
      return stdout;
    };
    const subscribed = new Set<string | undefined>();
    const served = async (args: readonly string[], variables: Readonly<Record<string, string>>, kept: object) => {
      const one = await owner.serve(data, [...state, ...args], { ...password, ...variables });
      subscribed.add(await owner.subscriptionOf(data));
      const status = JSON.parse(await succeeded(['status', '--data', data, '--json'])) as InstanceStatus;
      expect(status.rootKey.kept).toEqual(kept);
      await owner.stop(one);
    };
    const record = async (): Promise<string> => {
      const store = await openPostgres(url, { alone: false });
      const found = await store.get('seal', 'root key in a vault');
      await store.close();
      return Buffer.from(found?.value ?? '').toString();
    };
    const rotate = ['root-key', 'rotate', '--data', data, '--json', ...state];
    await served([], { KUSTODY_ROOT_KEY: oldKey }, { place: 'environment' });
    const first = await owner.keys.kid();
    await succeeded([...rotate, ...owner.now(first)], { KUSTODY_OLD_ROOT_KEY: oldKey });
    expect(await record()).toContain(first);
    await served(owner.now(first), {}, { place: 'vault', kid: first });
    expect(await owner.refusal(data, state, password)).toContain(`wrapped by ${first}`);
    const backup = ['backup', '--data', data, ...state, '--to', join(data, '..', 'backup')];
    const unnamed = await kustody(backup, password);
    expect([unnamed.code, unnamed.stderr]).toEqual([1, expect.stringContaining(`wrapped by ${first}`)]);
    expect(await succeeded([...backup, ...owner.now(first)])).toContain(`wrapped by ${first}`);

    await owner.keys.newVersion();
    const second = await owner.keys.kid();
    const both = [...owner.now(second), '--old-root-key-vault', first];
    await succeeded(['root-key', 'rewrap', '--data', data, ...state, ...both]);
    await owner.keys.setVersionEnabled(first, false);
    expect(await record()).toContain(second);
    await succeeded(['state', 'accept', '--data', data, '--yes', ...state, ...owner.now(second)]);
    await served(owner.now(second), {}, { place: 'vault', kid: second });

    const back = [...owner.outside, '--old-root-key-vault', second];
    const rotated = await succeeded([...rotate, ...back], { KUSTODY_ROOT_KEY: newKey });
    expect(JSON.parse(rotated)).toMatchObject({ oldKey: 'wrapped', damaged: 0 });
    expect(await record()).toBe('');
    await served([], { KUSTODY_ROOT_KEY: newKey }, { place: 'environment' });
    expect([...subscribed]).toEqual([expect.stringContaining('AZURE_SUBSCRIPTION_ID=')]);
  });
});

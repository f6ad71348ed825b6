import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInstance } from '../../src/cli/control-client.ts';
import type { InstanceStatus } from '../../src/cli/status.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { keyOf, newKey, oldKey, rootKeyFiles, sealedUnder } from '../support/rotated-instance.ts';
import { instant } from '../../src/clock/clock.ts';
import { rotateStopped } from '../../src/server/moving/rotate-stopped.ts';
import { parseRootKey } from '../../src/state/root-key.ts';

const [older, newer] = [{ KUSTODY_ROOT_KEY: oldKey }, { KUSTODY_ROOT_KEY: newKey }];
const both = { ...newer, KUSTODY_OLD_ROOT_KEY: oldKey };

interface Rotated {
  readonly oldKey: string;
  readonly records?: number;
  readonly resealed?: number;
}
async function rotated(data: string, variables: Readonly<Record<string, string>> = {}): Promise<Rotated> {
  const { code, stdout, stderr } = await kustody(['root-key', 'rotate', '--data', data, '--json'], variables);
  expect([code, stderr.replaceAll(/^kustody: sealing records.*\n/gm, '')]).toEqual([0, '']);
  return JSON.parse(stdout) as Rotated;
}

/** While the directory is served. */
async function served<T>(
  data: string,
  variables: Readonly<Record<string, string>>,
  work: () => Promise<T>,
  ...options: readonly string[]
): Promise<T> {
  const up = startKustody(['up', '--data', data, '--log-level', 'error', ...options], variables);
  await up.printed('Stop with');
  try {
    return await work();
  } finally {
    up.process.kill('SIGTERM');
    expect((await up.result).code).toBe(0);
  }
}
const subscriptionOf = async (data: string): Promise<string> =>
  (await kustody(['env', '--data', data])).stdout.match(/AZURE_SUBSCRIPTION_ID=\S+/)?.[0] ?? 'none';

/** What `kustody status` says of the root key. */
async function shown(data: string): Promise<InstanceStatus['rootKey'] & { readonly text: string }> {
  const [text, json] = await Promise.all([[], ['--json']].map((more) => kustody(['status', '--data', data, ...more])));
  const { rootKey } = JSON.parse(json?.stdout ?? '') as InstanceStatus;
  return { ...rootKey, text: text?.stdout ?? '' };
}

describe('kustody root-key rotate', () => {
  it('beside the data: a server that runs makes a new key, and goes on serving', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const [first, keyBefore] = await served(data, {}, async () => {
      const before = await subscriptionOf(data);
      const old = readFileSync(join(data, 'root.key'), 'utf8').trim();
      const known = await shown(data);
      expect(known.text).toContain(`root key               ${known.id}, in root.key beside the data\n`);
      const done = await rotated(data);
      expect(done).toMatchObject({ oldKey: 'destroyed' });
      expect(done.resealed).toBeGreaterThan(20);
      const audit = ['audit', 'show', '--data', data, '--operation', 'RootKeyRotation', '--json'];
      expect((await kustody(audit)).stdout.match(/"resultType": ?"\w+"/g)).toHaveLength(2);
      expect(Object.keys(rootKeyFiles(data))).toEqual(['root.key']);
      expect(await subscriptionOf(data)).toBe(before);
      const { id, oldId, resealing } = await shown(data);
      expect([id === known.id, oldId, resealing]).toEqual([false, undefined, false]);
      // Backups are its own from now on, too.
      expect(await kustody(['backup', '--data', data, '--to', join(directory.path, 'backup')])).toMatchObject({
        code: 0,
      });
      return [before, old] as const;
    });
    expect(first).toMatch(/AZURE_SUBSCRIPTION_ID=/);
    expect(await sealedUnder(data, parseRootKey(keyBefore))).toEqual([]);
    expect(await served(data, {}, () => subscriptionOf(data))).toBe(first);
    const restore = ['restore', '--from', join(directory.path, 'backup'), '--to', join(directory.path, 'back')];
    const rootKey = { KUSTODY_ROOT_KEY: rootKeyFiles(data)['root.key'] ?? '' };
    expect(await kustody([...restore, '--accept-rollback'], rootKey)).toMatchObject({ code: 0 });
  });

  it('kept elsewhere: a server that was started with both keys does it, and the new one alone opens it then', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const first = await served(data, older, () => subscriptionOf(data));
    await served(data, both, async () => {
      expect(await subscriptionOf(data)).toBe(first);
      expect(await rotated(data)).toMatchObject({ oldKey: 'elsewhere' });
      expect(await rotated(data)).toEqual({ oldKey: 'elsewhere' });
    });
    expect(await sealedUnder(data, keyOf(oldKey))).toEqual([]);
    expect(await kustody(['run', '--data', data, '--', 'true'], older)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('does not open this state') as string },
    });
    expect(await served(data, newer, () => subscriptionOf(data))).toBe(first);
  });

  it('that was ended in the middle goes on in a server with both keys, which takes no backup before', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const first = await served(data, older, () => subscriptionOf(data));
    class Ended extends Error {}
    const ended = rotateStopped({
      ...{ from: { dataDirectory: data }, rootKey: keyOf(newKey), oldRootKey: keyOf(oldKey) },
      now: () => instant(0),
      progress: () => {
        throw new Ended();
      },
    });
    await expect(ended).rejects.toBeInstanceOf(Ended);
    for (const [alone, text] of [
      [older, 'does not open this state'],
      [newer, 'KUSTODY_OLD_ROOT_KEY'],
    ] as const)
      expect(await kustody(['run', '--data', data, '--', 'true'], alone)).toMatchObject({
        ...{ code: 1, stderr: expect.stringContaining(text) as string },
      });
    await served(data, both, async () => {
      expect(await subscriptionOf(data)).toBe(first);
      const { id, oldId, kept, oldKept, text } = await shown(data);
      const place = { place: 'environment' };
      expect([kept, oldKept]).toEqual([place, place]);
      const given = 'given in the environment';
      expect(text).toContain(`${id}, ${given}, taking the place of ${oldId}, ${given}, which was interrupted`);
      expect(text).toContain("each start needs both: 'kustody root-key rotate' goes on.");
      const backup = ['backup', '--data', data, '--to', join(directory.path, 'backup')];
      expect(await kustody(backup)).toMatchObject({
        ...{ code: 1, stderr: expect.stringContaining('sealed under two root keys') as string },
      });
      expect(await rotated(data)).toMatchObject({ oldKey: 'elsewhere' });
      expect(await kustody(backup)).toMatchObject({ code: 0 });
      expect(await shown(data)).toMatchObject({ id, resealing: false });
    });
    expect(await sealedUnder(data, keyOf(oldKey))).toEqual([]);
    expect(await served(data, newer, () => subscriptionOf(data))).toBe(first);
  });

  it('says what is missing: an old key, a new one, a server with both', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    expect(await kustody(['run', '--data', data, '--', 'true'], older)).toMatchObject({ code: 0 });
    const command = ['root-key', 'rotate', '--data', data];
    const refused = async (variables: Readonly<Record<string, string>>, text: string) =>
      expect(await kustody(command, variables)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(text) as string,
      });
    await refused(older, 'There is one root key only');
    await refused({ KUSTODY_OLD_ROOT_KEY: oldKey }, 'An old root key goes with a new one');
    await refused({ ...newer, KUSTODY_OLD_ROOT_KEY: 'S3cret' }, 'KUSTODY_OLD_ROOT_KEY: A root key is 32 bytes');
    await refused({}, 'It is kept elsewhere'.toLowerCase());
    await served(data, older, () => refused({}, 'There is one root key only'));
    expect(await rotated(data, both)).toMatchObject({ oldKey: 'elsewhere' });
  });

  it('leaves snapshots of before behind, and says so', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const work = async (): Promise<void> => {
      const client = (await findInstance(data)) ?? expect.unreachable();
      const take = async () => ((await client.call('POST', '/snapshots')) as { readonly id: string }).id;
      const before = await take();
      await client.call('POST', `/snapshots/${before}/restore`);
      await rotated(data);
      await expect(client.call('POST', `/snapshots/${before}/restore`)).rejects.toThrow('the root key of before');
      await client.call('POST', `/snapshots/${await take()}/restore`);
    };
    await served(data, {}, work, '--virtual-time');
  });

  it('takes both from descriptors, and no child has either', async () => {
    using directory = temporaryDirectory();
    const [data, path] = [join(directory.path, 'data'), join(directory.path, 'key')];
    expect(await kustody(['run', '--data', data, '--', 'true'], older)).toMatchObject({ code: 0 });
    const descriptors = [newKey, oldKey].map((key, at) => {
      writeFileSync(`${path}-${at}`, key, { mode: 0o600 });
      return openSync(`${path}-${at}`, 'r');
    });
    const args = ['root-key', 'rotate', '--data', data, '--root-key-fd', '3', '--old-root-key-fd', '4'];
    const { code, stdout } = await startKustody(args, {}, descriptors).result;
    for (const one of descriptors) closeSync(one);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Destroy the old root key now')]);
    const script = 'echo "keys=$KUSTODY_ROOT_KEY$KUSTODY_OLD_ROOT_KEY."';
    expect(await kustody(['run', '--data', data, '--', 'sh', '-c', script], both)).toMatchObject({
      ...{ code: 0, stdout: 'keys=.\n' },
    });
  });
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InstanceStatus } from '../../src/cli/status.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody } from '../support/kustody-command.ts';
import { openKeyOwner, vaultHost } from '../support/outside-vault.ts';
import { openRootKeyOwner } from '../support/root-key-vault.ts';
import { oldKey } from '../support/rotated-instance.ts';

let owner: Awaited<ReturnType<typeof openRootKeyOwner>>;
beforeAll(async () => {
  owner = await openRootKeyOwner();
});
afterAll(() => owner.close());

const succeeded = async (args: readonly string[]): Promise<string> => {
  const result = await kustody(args);
  expect([result.code, result.code === 0 ? '' : result.stderr]).toEqual([0, '']);
  return result.stdout;
};
const refused = ({ code, stderr }: CommandResult): string => (code === 1 ? stderr : `ended with ${code}`);

it('a root key in a vault is wrapped by a newer version while the server runs, which goes on serving', async () => {
  const [data, first] = [owner.placeOf('served'), await owner.keys.kid()];
  const server = await owner.serve(data, owner.now(first));
  const subscription = await owner.subscriptionOf(data);
  await owner.keys.newVersion();
  const second = await owner.keys.kid();
  const rewrap = ['root-key', 'rewrap', '--data', data, '--root-key-vault', second];

  await owner.keys.setVersionEnabled(second, false);
  expect(refused(await kustody(rewrap))).toContain(`wrapped by ${second}, which cannot be used (keyDisabled)`);
  await owner.keys.setVersionEnabled(second, true);
  await owner.keys.setVersionEnabled(first, false);
  expect(refused(await kustody(rewrap))).toContain(`wrapped by ${first}, which cannot be used (keyDisabled)`);
  await owner.keys.setVersionEnabled(first, true);
  const unnamed = second.replace(vaultHost, 'nobody-named-it.vault.azure.net');
  expect(refused(await kustody([...rewrap.slice(0, -1), unnamed]))).toContain(
    '--vault nobody-named-it.vault.azure.net',
  );
  expect(refused(await kustody([...rewrap, '--old-root-key-vault', second.replace(/.$/, 'x')]))).toContain('is not');
  const own = await openKeyOwner(data, 'own-keys-of-it');
  expect(refused(await kustody([...rewrap.slice(0, -1), await own.kid()]))).toContain('is a vault of this Kustody');
  expect(readFileSync(`${data}/state.db`, 'latin1')).not.toContain(second);

  const json: unknown = JSON.parse(await succeeded([...rewrap, '--json', '--old-root-key-vault', first]));
  expect(json).toEqual({ kid: second, oldKid: first });
  expect(await succeeded(rewrap)).toBe(
    `The root key is wrapped by ${second}.\nThe next start of this state takes --root-key-vault ${second}.\n`,
  );
  const { rootKey } = JSON.parse(await succeeded(['status', '--data', data, '--json'])) as InstanceStatus;
  expect(rootKey.kept).toEqual({ place: 'vault', kid: second });
  expect(await owner.subscriptionOf(data)).toBe(subscription);

  const shown = await succeeded(['audit', 'show', '--data', data, '--operation', 'RootKeyRewrap']);
  const lines = shown.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
  const about = lines.map((cells) => cells[4] ?? '');
  expect(about).toContain(`fromKid: ${first}`);
  expect(about).toContain(`toKid: ${second}`);
  expect(about.filter((text) => /^(from|to): [0-9a-f]{32}$/.test(text))).not.toEqual([]);
  const records = lines.filter((cells) => cells[3] === 'RootKeyRewrap');
  expect(new Set(records.map((cells) => cells[5]))).toEqual(new Set(['Started', 'Failed', 'Succeeded']));
  for (const [, time, who] of records) expect([time, who]).not.toContain('');
  await owner.stop(server);

  await owner.keys.setVersionEnabled(first, false);
  expect(readFileSync(`${data}/state.db`, 'latin1')).not.toContain(`"kid":"${first}"`);
  expect(await owner.refusal(data, owner.now(first))).toContain(`is wrapped by ${second}, and not by ${first}`);
  const again = await owner.serve(data, owner.now(second));
  expect(await owner.subscriptionOf(data)).toBe(subscription);
  await owner.stop(again);
});

it('a served root key stays wrapped as it is while its vault is away, and is not wrapped where it lies in no vault', async () => {
  const [data, kid] = [owner.placeOf('away'), await owner.keys.kid()];
  const server = await owner.serve(data, owner.now(kid));
  await owner.keys.newVersion();
  const newer = await owner.keys.kid();
  const rewrap = ['root-key', 'rewrap', '--root-key-vault', newer, '--data'];
  await owner.keys.setNetwork('Deny');
  expect(refused(await kustody([...rewrap, data]))).toContain('(forbiddenByFirewall)');
  await owner.keys.setNetwork('Allow');
  expect(JSON.parse(await succeeded([...rewrap, data, '--json']))).toEqual({ kid: newer, oldKid: kid });
  await owner.stop(server);
  const given = owner.placeOf('given');
  const other = await owner.serve(given, owner.outside, { KUSTODY_ROOT_KEY: oldKey });
  expect(refused(await kustody([...rewrap, given]))).toContain('No key in a vault has wrapped the root key');
  await owner.stop(other);
});

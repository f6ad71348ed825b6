import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentOf } from '../../src/cli/live-instance.ts';
import type { CmkTarget } from '../../src/cmk/target.ts';
import { group, location, startCmkFixture } from '../support/cmk-fixture.ts';
import { startKustody } from '../support/kustody-command.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { sample } from '../support/sample.ts';
import { sarifCanBeValidated, sarifSchemaErrors } from '../support/sarif-validator.ts';

interface Step {
  readonly id: string;
  readonly state: string;
}
interface Document {
  readonly result?: string;
  readonly ok?: boolean;
  readonly performed?: readonly string[];
  readonly steps?: readonly Step[];
  readonly checks?: readonly { readonly id: string; readonly ok: boolean }[];
  readonly findings?: readonly { readonly code: string; readonly holds?: { readonly now: string } }[];
}
interface FleetDocument {
  readonly subscriptions: readonly string[];
  readonly clusters: readonly { readonly id: string }[];
  readonly findings: readonly { readonly rule: string; readonly cluster: string; readonly database?: string }[];
}

describe('kustody cmk, as it is typed', () => {
  let fixture: Awaited<ReturnType<typeof startCmkFixture>>;
  let environment: Record<string, string>;
  const printed: string[] = [];

  beforeAll(async () => {
    fixture = await startCmkFixture();
    const { directory, server } = fixture;
    const variables = await environmentOf(
      { dataDirectory: directory, controlToken: server.controlToken, describe: server.environment },
      process.env,
    );
    environment = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value ?? '']));
    for (const [name, value] of Object.entries(environment))
      if (value === '') Reflect.deleteProperty(environment, name);
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  const start = (
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): ReturnType<typeof startKustody> => startKustody(['cmk', ...args], { ...environment, ...more });

  async function cmk(...args: readonly string[]): Promise<CommandResult> {
    const result = await start(args).result;
    printed.push(result.stdout, result.stderr);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    return result;
  }

  async function json(...args: readonly string[]): Promise<Document & { readonly code: number | null }> {
    const { code, stdout } = await cmk(...args, '--json');
    return { code, ...(JSON.parse(stdout) as Document) };
  }

  const clusterWords = ({ cluster }: CmkTarget): readonly string[] => [
    ...['--resource-group', cluster.resourceGroup],
    ...['--cluster', cluster.name],
  ];
  const words = (target: CmkTarget): readonly string[] => [
    ...clusterWords(target),
    ...['--vault', target.vault.name],
    ...['--key', target.keyName],
  ];

  it('goes from plan to rotation with the exit codes it promises, and one JSON document each', async () => {
    const target = await fixture.fresh();
    const asked = words(target);
    expect(await json('plan', ...asked)).toMatchObject({ code: 3, result: 'inTheWay' });
    expect(await json('apply', ...asked, '--yes')).toMatchObject({ code: 3, result: 'inTheWay' });
    expect(await json('plan', ...asked, '--create-key')).toMatchObject({ code: 2, result: 'somethingToDo' });
    const refused = await cmk('apply', ...asked, '--create-key');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/Nobody is there to ask; nothing was changed\.\n {2}Give --yes/);
    expect(await json('plan', ...asked, '--create-key')).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ id: 'identity', state: 'toDo' })]) as unknown,
    });
    expect(
      await json('verify', ...clusterWords(target), '--vault', target.vault.name, '--key', 'cluster-key'),
    ).toMatchObject({ code: 4, ok: false });
    const bare = await json('verify', ...clusterWords(target));
    expect(bare).toMatchObject({ code: 4, ok: false, checks: [{ id: 'clusterKey', ok: false }] });

    expect(await json('apply', ...asked, '--create-key', '--yes')).toMatchObject({
      code: 0,
      performed: ['identity', 'key', 'permissions', 'clusterKey'],
      ok: true,
    });
    expect(await json('verify', ...clusterWords(target))).toMatchObject({ code: 0, ok: true });
    expect(await json('plan', ...asked)).toMatchObject({ code: 0, result: 'nothingToDo' });
    expect(await json('apply', ...asked)).toMatchObject({ code: 0, performed: [] }); // nothing to ask about
    const rotated = await json('rotate', ...clusterWords(target), '--yes');
    expect(rotated).toMatchObject({ code: 0, result: 'rotated', confirmed: false });
    expect((await cmk('rotate', ...clusterWords(target), '--disable-old', '--yes')).stderr).toMatch(
      /does not say which/,
    );
    expect(await json('verify', ...clusterWords(target))).toMatchObject({ code: 0, ok: true });
  });

  it('takes the identity that the cluster has, when none is named', async () => {
    const target = await fixture.fresh();
    const { azure, subscriptionId } = fixture;
    const id = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/its-own`;
    await azure.resources.resources.beginCreateOrUpdateByIdAndWait(id, '2023-01-31', { location });
    await azure.kusto.clusters.beginUpdateAndWait(group, target.cluster.name, {
      identity: { type: 'UserAssigned', userAssignedIdentities: { [id]: {} } },
    });
    const asked = [...words(target), '--create-key'];
    expect(await json('plan', ...asked)).toMatchObject({
      identity: id,
      steps: expect.arrayContaining([expect.objectContaining({ id: 'identity', state: 'done' })]) as unknown,
    });
    expect(await json('apply', ...asked, '--yes')).toMatchObject({ code: 0, identity: id, ok: true });
    expect(await json('plan', ...asked)).toMatchObject({ code: 0, identity: id, result: 'nothingToDo' });
    expect(await json('plan', ...asked, '--identity', 'system')).toMatchObject({ identity: 'system' });
  });

  it('prints a table for people, with nothing cut off and no colours when nobody watches', async () => {
    const target = await fixture.fresh({ purgeProtection: false });
    const { code, stdout } = await cmk('plan', ...words(target), '--create-key');
    expect(code).toBe(3);
    expect(stdout).toContain('IN THE WAY');
    expect(stdout).toContain(`  $ az keyvault update --name ${target.vault.name} --enable-purge-protection true\n`);
    // eslint-disable-next-line no-control-regex -- colours are what it looks for
    expect(stdout).not.toMatch(/\u001b\[|…/);
    const applied = await cmk('apply', ...words(target), '--create-key', '--enable-purge-protection', '--yes');
    expect(applied).toMatchObject({ code: 0 });
    expect(applied.stdout).toMatch(/For ever: Purge protection cannot be turned off again\./);
    expect(applied.stdout).toMatch(/All 10 checks are well\.\n$/);
  });

  // A step is printed with the first mark when it starts, and with the second when it has been read back.
  const moments = [
    '❯ Assign a system-assigned identity.',
    '✔ Assign a system-assigned identity.',
    '❯ Create an RSA key',
    '✔ Create an RSA key',
    '❯ Add get, wrapKey, unwrapKey',
    '✔ Add get, wrapKey, unwrapKey',
    '❯ Set https://',
  ];
  it.each(sample(moments, 1))('can be killed at "%s" and begun again', async (line) => {
    const target = await fixture.fresh();
    const first = start(['apply', ...words(target), '--create-key', '--yes']);
    await first.printed(line);
    first.process.kill('SIGKILL');
    expect((await first.result).signal).toBe('SIGKILL');
    expect(await json('apply', ...words(target), '--create-key', '--yes')).toMatchObject({ code: 0, ok: true });
    expect(await json('verify', ...clusterWords(target))).toMatchObject({ code: 0, ok: true });
  });

  it('ends when its time is over, and goes on from there', async () => {
    const target = await fixture.fresh();
    const { faults, clocks } = fixture.server.controls;
    await faults.add({ kind: 'operations', takesSeconds: 600 });
    // On a busy machine it may be over before the operation has begun.
    for (const seconds of [4, 15, 50]) {
      const timeout = ['--timeout', `${seconds}s`];
      const { code, stderr } = await cmk('apply', ...words(target), '--create-key', '--yes', ...timeout);
      expect(code).toBe(1);
      const told = `kustody: Not finished within ${seconds} seconds.\n  What is done stays done: run it again.\n`;
      expect(stderr).toContain(told);
      const { steps = [] } = await json('plan', ...words(target), '--create-key');
      if (steps.some(({ id }) => id === 'cluster')) break;
    }
    await faults.clear();
    expect(await json('plan', ...words(target), '--create-key')).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ id: 'cluster', state: 'toDo' })]) as unknown,
    });
    await clocks.virtual?.advance(600_000);
    expect(await json('apply', ...words(target), '--create-key', '--yes')).toMatchObject({ code: 0, ok: true });
  });

  it('says what an operation that failed after it was accepted has said', async () => {
    const target = await fixture.fresh();
    await fixture.server.controls.faults.add({ kind: 'internalServerError' });
    const { code, stderr } = await cmk('apply', ...words(target), '--create-key', '--yes');
    await fixture.server.controls.faults.clear();
    expect(code).toBe(1);
    expect(stderr).toContain('kustody: Failed: Internal Server Error\n');
  });

  it('explains an error from a code, a file or standard input, and says when it knows none', async () => {
    const byCode = await json('diagnose', '--error', 'KeyVaultNotPurgeProtected');
    expect(byCode).toMatchObject({ code: 0, cluster: null, findings: [{ code: 'KeyVaultNotPurgeProtected' }] });
    const directory = mkdtempSync(join(tmpdir(), 'kustody-test-'));
    try {
      const file = join(directory, 'failure.txt');
      writeFileSync(file, "Error: KeyVault 'https://nowhere.vault.azure.net/' was not found\n");
      const byFile = await cmk('diagnose', '--error', file);
      expect(byFile.code).toBe(0);
      expect(byFile.stdout).toContain('  $ az keyvault show --name nowhere\n');
    } finally {
      rmSync(directory, { recursive: true });
    }
    const none = await cmk('diagnose', '--error', '{"error":{"code":"Teapot","message":"short and stout"}}');
    expect(none).toMatchObject({ code: 1 });
    expect(none.stdout).toContain("'Teapot' is not a code of the eight documented ones");
  });

  it('finds on a live cluster which cause holds', async () => {
    const target = await fixture.fresh();
    const bare = await json('diagnose', ...clusterWords(target));
    expect(bare.code).toBe(4);
    const holds = new Map(bare.findings?.map((finding) => [finding.code, finding.holds?.now]));
    expect(holds.get('KeyVaultPropertiesOnlyForSystemAssignedResources')).toBe('yes');
    expect(holds.get('KeyNotFound')).toBe('unknown'); // nobody has named a key
    await json('apply', ...words(target), '--create-key', '--yes');
    expect(await json('diagnose', ...clusterWords(target))).toMatchObject({ code: 0 });
  });

  it('looks at the keys of a whole fleet, of databases and followers too, and writes what pipelines read', async () => {
    const { azure, clients } = fixture;
    const target = await fixture.fresh();
    const other = await fixture.fresh({ purgeProtection: false });
    await json('apply', ...words(target), '--create-key', '--yes');
    const { cluster } = target;
    const keyVaultUri = `https://${target.vault.name}.vault.azure.net/`;
    await clients.keys(keyVaultUri).createRsaKey('database-key', { keySize: 2048 });
    await azure.kusto.databases.beginCreateOrUpdateAndWait(group, cluster.name, 'own', {
      ...{ kind: 'ReadWrite', location },
      keyVaultProperties: { keyName: 'database-key', keyVaultUri },
    });
    await azure.kusto.attachedDatabaseConfigurations.beginCreateOrUpdateAndWait(group, other.cluster.name, 'all', {
      ...{ location, databaseName: '*', clusterResourceId: cluster.id, defaultPrincipalsModificationKind: 'Union' },
    });
    const directory = mkdtempSync(join(tmpdir(), 'kustody-test-'));
    try {
      const files = { sarif: join(directory, 'f.sarif'), policy: join(directory, 'policy.json') };
      writeFileSync(files.policy, '{ "minimumKeySizeBits": 3072 }');
      const more = ['--policy', files.policy, '--sarif', files.sarif, '--azure-policy', directory];
      const { code, stdout } = await cmk('fleet', '--all', ...more, '--json');
      expect(code).toBe(4);
      const found = JSON.parse(stdout) as FleetDocument;
      expect(found.subscriptions).toContain(fixture.subscriptionId);
      expect(found.clusters.find(({ id }) => id.endsWith(`/${cluster.name}`))).toMatchObject({
        keys: [
          { database: null, follows: 'newest', sizeBits: 3072, lackingPermissions: [], rotation: null },
          { database: 'own', keyName: 'database-key', sizeBits: 2048, vault: { purgeProtection: true } },
        ],
        followers: [{ clusterId: expect.stringContaining(other.cluster.name) as string, database: '*' }],
      });
      const rulesOf = (name: string): readonly string[] =>
        found.findings
          .filter((finding) => finding.cluster.endsWith(`/${name}`))
          .map(({ rule, database }) => [rule, ...(database === undefined ? [] : [database])].join(' of '));
      expect(rulesOf(cluster.name)).toEqual(expect.arrayContaining(['key-size of own', 'followers', 'readable']));
      expect(rulesOf(cluster.name)).not.toContain('key-size');
      expect(rulesOf(other.cluster.name)).toEqual(expect.arrayContaining(['customer-managed-key']));
      const sarif = JSON.parse(readFileSync(files.sarif, 'utf8')) as {
        runs: readonly { results: readonly unknown[] }[];
      };
      expect(sarif.runs[0]?.results).toHaveLength(found.findings.length);
      if (sarifCanBeValidated) expect(sarifSchemaErrors(readFileSync(files.sarif, 'utf8'))).toEqual([]);
      expect(readFileSync(join(directory, 'key-size.json'), 'utf8')).toContain('"less": 3072');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each([
    [['fleet', '--management-group', 'mg'], /Management groups are not built/],
    [['fleet', '--all', '--subscription', '1'], /exclude each other/],
    [['fleet', '--subscription', 'mine'], /'mine' is no subscription id/],
    [
      ['fleet', '--sarif', '/nowhere/f.sarif'],
      /\/nowhere\/f\.sarif could not be written \(ENOENT\)\.\n {2}Give another file with --sarif/,
    ],
    [['fleet', '--subscription', '00000000-0000-4000-8000-000000000000'], /SubscriptionNotFound/],
    [['plan', '--vault', 'v'], /The cluster is not named/],
    [['plan', '--cluster-id', '/nonsense', '--vault', 'keys', '--key', 'k'], /no resource id of a cluster/],
    [['plan', '--resource-group', 'g', '--cluster', 'c'], /Give --vault and --key/],
    [
      ['plan', '--resource-group', 'g', '--cluster', 'c', '--vault', 'http://x/', '--key', 'k'],
      /no address of a vault/,
    ],
    [['plan', '--resource-group', 'g', '--cluster', 'c', '--vault', 'keys', '--key', 'k/1'], /no name of a key/],
    [['verify', '--resource-group', 'g', '--cluster', 'c', '--identity', 'me'], /neither 'system' nor/],
    [['verify', '--resource-group', 'g', '--cluster', 'c', '--timeout', 'soon'], /no duration/],
    [['verify', '--resource-group', 'g', '--cluster', 'nosuchcluster'], /There is no cluster/],
    [
      ['verify', '--subscription', '00000000-0000-4000-8000-000000000000', '--resource-group', 'g', '--cluster', 'c'],
      /SubscriptionNotFound/,
    ],
    [['diagnose'], /nothing to diagnose/],
  ])('%j says what is wrong', async (args, message) => {
    const { code, stdout, stderr } = await cmk(...args);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });

  it('says in one line that it cannot sign in', async () => {
    const args = ['verify', '--resource-group', 'g', '--cluster', 'c'];
    const { code, stderr } = await start(args, { AZURE_CLIENT_SECRET: 'wrong-secret-of-a-test' }).result;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^kustody: [^\n]*AADSTS7000215[^\n]*\n/);
    expect(stderr).not.toMatch(/wrong-secret-of-a-test|\n\s+at /);
  });

  it('has printed no secret and no token', () => {
    const all = printed.join('\n');
    expect(all.length).toBeGreaterThan(10_000);
    expect(all).not.toContain(fixture.environment.clientSecret);
    expect(all).not.toMatch(/eyJ[A-Za-z0-9_-]{20}/);
  });
});

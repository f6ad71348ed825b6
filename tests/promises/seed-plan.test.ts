import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { startKustody } from '../../dist/testing.js';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';

const example = join(import.meta.dirname, '..', '..', 'examples', 'seed');

function seedDirectory(path: string, files: Readonly<Record<string, string>>): string {
  const directory = join(path, 'fixtures');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const small = [
  'vaults:',
  '  - name: small-keys',
  '    enablePurgeProtection: true',
  '    enableRbacAuthorization: false',
  '    accessPolicies:',
  '      - principal: clusters/small',
  '        keys: [get, wrapKey, unwrapKey]',
  '    keys:',
  '      - name: small-key',
  '      - { name: small-signer, kty: EC }',
  'clusters:',
  '  - name: small',
  '    sku: Dev(No SLA)_Standard_E2a_v4',
  '    key: { vault: small-keys, name: small-key, followLatest: false }',
  '    databases:',
  '      - name: Only',
  'roles:',
  '  - { principal: clusters/small, role: Reader, scope: resourceGroup }',
  '',
].join('\n');

describe('kustody.yaml of a directory to seed from', () => {
  it('makes what it names, as the official clients see it', async () => {
    await using k = await startKustody({ cluster: { seed: example } });
    expect(k.cluster).toMatchObject({
      uri: 'https://telemetry.westeurope.kusto.windows.net',
      database: 'Telemetry',
      vaultUri: 'https://contoso-keys.vault.azure.net/',
      keyName: 'telemetry-key',
    });
    const kusto = await k.kustoManagementClient();
    const key = await (await k.keyClient()).getKey('telemetry-key');
    expect(key.key?.n?.byteLength).toBe(3072 / 8);
    expect(await kusto.clusters.get('contoso', 'telemetry')).toMatchObject({
      location: 'West Europe',
      sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
      identity: { type: 'SystemAssigned, UserAssigned' },
      keyVaultProperties: { keyName: 'telemetry-key', keyVaultUri: 'https://contoso-keys.vault.azure.net/' },
    });
    expect(await kusto.clusters.get('contoso', 'archive')).toMatchObject({
      sku: { name: 'Dev(No SLA)_Standard_E2a_v4', tier: 'Basic', capacity: 1 },
    });
    expect(await kusto.databases.get('contoso', 'telemetry', 'Telemetry')).toMatchObject({
      softDeletePeriod: 'P365D',
      hotCachePeriod: 'P31D',
    });
    const roles: string[] = [];
    for await (const { principalName, role } of kusto.databasePrincipalAssignments.list(
      'contoso',
      'telemetry',
      'Telemetry',
    ))
      roles.push(`${principalName}: ${role}`);
    expect(roles.toSorted()).toEqual(['analysts: Viewer', 'ingestor: Ingestor', 'kustody: Admin']);

    // Files beside it, and those of another database.
    expect(await k.query('Log | summarize Rows = count() by Level | order by Level asc')).toEqual([
      { Level: 'error', Rows: 1 },
      { Level: 'info', Rows: 1 },
    ]);
    expect(await k.query('Devices | project Site', { database: 'Reference' })).toEqual([
      { Site: 'Delft' },
      { Site: 'Gent' },
    ]);

    // The cluster really is under the key.
    await (await k.keyClient()).updateKeyProperties('telemetry-key', key.properties.version ?? '', { enabled: false });
    const checked = await k.checkKeys();
    expect(checked.map(({ custody, suspended }) => `${custody} ${suspended}`).toSorted()).toEqual([
      'customer true',
      'microsoftManaged false',
    ]);
  });

  it('is one with files alone in a test, too, and says for itself what there is', async () => {
    using temporary = temporaryDirectory();
    const files = { '01-T.kql': '.create table T (A: long)\n', '02-T.csv': '1\n2\n' };
    const seed = seedDirectory(temporary.path, files);
    await using k = await startKustody({ cluster: { name: 'flat', database: 'logs', seed } });
    expect(k.cluster).toMatchObject({ uri: 'https://flat.eastus.kusto.windows.net', database: 'logs' });
    expect(await k.query('T | summarize Sum = sum(A)')).toEqual([{ Sum: 3 }]);
    expect(k.principals).toEqual({});

    await expect(startKustody({ cluster: { seed: example, name: 'flat' } })).rejects.toThrow(
      /^kustody\.yaml of '.+' says what there is: 'name' is for none\.$/,
    );
    writeFileSync(join(seed, '03-T.sql'), '');
    await expect(startKustody({ cluster: { seed } })).rejects.toThrow('03-T.sql: a seed has files .kql, ');
    rmSync(join(seed, '03-T.sql'));
    for (const name of Object.keys(files)) rmSync(join(seed, name));
    writeFileSync(join(seed, 'kustody.yaml'), 'vaults: []\n');
    await expect(startKustody({ cluster: { seed } })).rejects.toThrow('names no cluster with a database.');
  });

  it('lets those sign in whom it names, each with the rights that it gives', async () => {
    await using k = await startKustody({ cluster: { seed: example } });
    expect(Object.keys(k.principals).toSorted()).toEqual(['ada', 'analysts', 'ingestor', 'telemetry-identity']);

    // A member of the group that may look; nobody gave her the other database.
    const ada = await k.signedInAs('ada').kustoClient();
    const found = await ada.execute('Telemetry', 'Log | count');
    expect([...(found.primaryResults[0]?.rows() ?? [])].map((row) => row.toJSON())).toEqual([{ Count: 2 }]);
    await expect(ada.execute('Reference', 'Devices')).rejects.toThrow();
    await expect(ada.execute('Telemetry', '.drop table Log')).rejects.toThrow();
    const groups = await (await k.signedInAs('ada').resourceManagementClient()).resourceGroups.get('contoso');
    expect(groups.name).toBe('contoso');
    await expect((await k.signedInAs('ada').keyClient()).getKey('telemetry-key')).rejects.toMatchObject({
      statusCode: 403,
    });

    const ingestor = k.signedInAs('ingestor');
    const stream = await ingestor.ingestClient({ table: 'Log', format: 'csv' });
    await stream.ingestFromStream(Readable.from(['2026-01-03T08:00:00Z,pump-3,info\n']));
    await expect((await ingestor.kustoClient()).execute('Telemetry', 'Log | count')).rejects.toThrow();
    expect(await k.query('Log | count')).toEqual([{ Count: 3 }]);

    expect(() => k.signedInAs('analysts')).toThrow("'analysts' has no password or client secret to sign in with.");
    expect(() => k.signedInAs('nobody')).toThrow("There is no principal 'nobody' in kustody.yaml. There are: ");
  });

  it('takes passwords from the environment, and tells secrets to programs alone, every time', async () => {
    using temporary = temporaryDirectory();
    const data = join(temporary.path, 'data');
    const plan = [
      'principals:',
      '  users: [{ name: ada, passwordFrom: ADA_PASSWORD }, { name: bob }]',
      '  servicePrincipals: [{ name: my-app }]',
      '',
    ].join('\n');
    const seed = seedDirectory(temporary.path, { 'kustody.yaml': plan });
    const command = ['run', '--data', data, '--seed', seed, '--', 'sh', '-c', 'env | grep ^KUSTODY_PRINCIPAL_ | sort'];
    const without = await kustody(command);
    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toContain(
      'kustody.yaml:2: principals.users[0]: the environment variable ADA_PASSWORD has no password for it.',
    );
    const first = await kustody(command, { ADA_PASSWORD: 'Correct-Horse-9' });
    const names = first.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=', 1)[0]);
    expect(names).toEqual([
      'KUSTODY_PRINCIPAL_ADA_OBJECT_ID',
      'KUSTODY_PRINCIPAL_ADA_USERNAME',
      'KUSTODY_PRINCIPAL_BOB_OBJECT_ID',
      'KUSTODY_PRINCIPAL_BOB_PASSWORD',
      'KUSTODY_PRINCIPAL_BOB_USERNAME',
      'KUSTODY_PRINCIPAL_MY_APP_CLIENT_ID',
      'KUSTODY_PRINCIPAL_MY_APP_CLIENT_SECRET',
      'KUSTODY_PRINCIPAL_MY_APP_OBJECT_ID',
    ]);
    const second = await kustody(command);
    expect(second.stdout).toBe(first.stdout);
    const secrets = [...first.stdout.matchAll(/_(?:PASSWORD|CLIENT_SECRET)=(.+)/g)].map(([, secret = '']) => secret);
    expect(secrets).toHaveLength(2);
    const written = readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    for (const text of [first.stderr, second.stderr, ...written])
      expect([...secrets, 'Correct-Horse-9'].filter((secret) => text.includes(secret))).toEqual([]);
  });

  it('changes nothing the second time', async () => {
    using temporary = temporaryDirectory();
    const data = join(temporary.path, 'data');
    const seed = seedDirectory(temporary.path, { 'kustody.yaml': small, 'T.kql': '.set T <| print A = 1\n' });
    const look =
      'kustody status --json; kustody query --cluster small --format json T; kustody query --format csv ".show database Only principals"; kustody env --cluster small --format dotenv | grep -E "^KUSTODY_(CLUSTER|DATABASE|VAULT|KEY)"';
    const command = ['run', '--data', data, '--seed', seed, '--', 'sh', '-c', look];
    const [first, second] = [await kustody(command), await kustody(command)];
    expect(first).toMatchObject({ code: 0 });
    const seen = ({ stdout }: typeof first): unknown => {
      const [status = '', ...others] = stdout.split('\n');
      const { clusters, vaults } = JSON.parse(status) as {
        clusters: readonly { name: string; kid: string; generation: number; custody: string; followsLatest: boolean }[];
        vaults: unknown;
      };
      const kept = clusters.map(({ name, kid, generation, custody, followsLatest }) => ({
        ...{ name, kid, generation, custody, followsLatest },
      }));
      return { kept, vaults, others };
    };
    expect(seen(second)).toEqual(seen(first));
    expect(seen(first)).toMatchObject({ kept: [{ name: 'small', custody: 'customer', followsLatest: false }] });
    expect(first.stdout).toContain('https://small.eastus.kusto.windows.net');
    expect(first.stdout).toContain('https://small-keys.vault.azure.net/keys/small-key');
    expect(second.stderr).not.toContain('keeps it');
    const changed = small
      .replace('enablePurgeProtection: true', 'softDeleteRetentionInDays: 7')
      .replace('Dev(No SLA)_Standard_E2a_v4', 'Standard_E8ads_v5');
    writeFileSync(join(seed, 'kustody.yaml'), changed);
    const third = await kustody(command);
    expect(seen(third)).toEqual(seen(first));
    expect(third.stderr).toContain(
      'kustody.yaml:3: vaults[0].softDeleteRetentionInDays: it has 90 there, and keeps it.',
    );
    expect(third.stderr).toContain(
      'kustody.yaml:13: clusters[0].sku: it has Dev(No SLA)_Standard_E2a_v4 there, and keeps',
    );
    const nobody = await kustody(['run', '--data', data, '--', 'kustody', 'env', '--cluster', 'smal']);
    expect(nobody).toMatchObject({ code: 1, stdout: '' });
    expect(nobody.stderr).toContain("There is no cluster 'smal'.");
    expect(second.stderr).toContain('Database Only is there already: the files of the seed were not run.');
  });

  it.each([
    [
      'what it does not know',
      { 'kustody.yaml': 'clusters:\n  - nam: x\n' },
      'kustody.yaml:2: clusters[0].nam: there is no',
    ],
    [
      'what a service refuses, in its words',
      { 'kustody.yaml': small.replace('[get, wrapKey, unwrapKey]', '[get]') },
      'kustody.yaml:14: clusters[0].key: IdentityDoesNotHaveAccessToKeyVault: Cluster identity does not have access to',
    ],
    [
      'a folder of a database that it does not name',
      { 'kustody.yaml': small, 'databases/small/Onli/T.kql': 'print 1\n' },
      "databases/small/Onli: there is no database of cluster small 'Onli' in kustody.yaml. Near it: Only.",
    ],
    [
      'a file that is for no database',
      { 'kustody.yaml': 'vaults: []\n', 'T.kql': 'print 1\n' },
      'T.kql: kustody.yaml names no database that it could go to.',
    ],
  ])('is refused with the place: %s', async (_what, files, message) => {
    using temporary = temporaryDirectory();
    const seed = seedDirectory(temporary.path, files);
    const { code, stdout, stderr } = await kustody(['run', '--seed', seed, '--', 'echo', 'ran']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`kustody: ${message}`);
  });
});

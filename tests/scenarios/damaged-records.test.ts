import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateTables } from '../../src/server/state-tables.ts';
import { treeTables } from '../../src/state/tree/tree-records.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import type { StateRow } from '../support/state-rows.ts';
import { flipped, withStateFile } from '../support/state-rows.ts';
import type { Probe, TwoOwners } from '../support/two-owners.ts';
import { failing, twoOwnersDirectory } from '../support/two-owners.ts';

let made: TwoOwners;
beforeAll(async () => {
  made = await twoOwnersDirectory();
});
afterAll(() => made[Symbol.dispose]());

/** A copy of the data directory of a stopped server, for one test. */
function copied(change: (directory: string) => void): { readonly directory: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-damaged-'));
  cpSync(made.directory, directory, { recursive: true });
  change(directory);
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

const withFlipped = (isMeant: (row: StateRow) => boolean) =>
  copied((directory) => {
    withStateFile(directory, (file) => {
      const rows = file.rows().filter(isMeant);
      expect(rows).not.toEqual([]);
      for (const row of rows) file.put(flipped(row));
    });
  });

type Meant = readonly [table: string, idHolds: string];
const isOneOf = (meant: readonly Meant[]) => (row: StateRow) =>
  meant.some(([table, text]) => row.table === table && row.id.includes(text));

type Failures = Partial<Record<Probe, string>>;
const arm = '500 InternalServerError';
const noArm: Failures = { group: arm, groups: arm, clusters: arm };
const noAlphaRows: Failures = { alphaRows: '520 DataIntegrityError' };
const noBetaVault: Failures = { betaKey: arm, betaRows: '503 ServiceUnavailable' };
const nobody: Failures = {
  ...{ token: 'refused', group: '401 AuthenticationFailed', groups: '401 AuthenticationFailed' },
  ...{ clusters: '401 AuthenticationFailed', alphaKey: '401 Unauthorized', betaKey: '401 Unauthorized' },
  ...{ alphaRows: '401 Unauthorized', betaRows: '401 Unauthorized' },
};

describe('one flipped bit in a record of the state', () => {
  it('of what may be lost stops nothing', async () => {
    const losable = stateTables.filter(({ losable: may }) => may).map(({ table }) => table.name);
    const deployments = ['arm-deployments', 'arm-deployment-templates', 'arm-deployment-operations'];
    const audit = ['vault-audit', 'audit-chain', 'audit-head'];
    expect(losable).toEqual([...audit, 'arm-operations', ...deployments, 'faults', 'ports', 'wall-clock']);
    using copy = withFlipped(({ table }) => losable.includes(table));
    await using server = await startServerFixture({ dataDirectory: copy.directory });
    expect(await failing(server)).toEqual({});
    // When the machine's clock was last seen is not known any more, so nothing is destroyed.
    expect(server.server.controls.clocks.destructionHeld()).toBe(true);
  });

  /** Each of a cluster's records and each of the other owner's vault: what fails is theirs, and nothing else. */
  it.each<[string, () => readonly Meant[], Failures]>([
    [
      'key of a cluster, private key of a vault',
      () => [
        ['cluster-keys', made.alpha.clusterId],
        ['vault-private-keys', made.beta.vaultId],
      ],
      { ...noAlphaRows, betaRows: '503 ServiceUnavailable' },
    ],
    [
      'head of a catalog, version of a key',
      () => [
        ['cluster-catalog', `${made.alpha.clusterId}/head`],
        ['vault-key-versions', made.beta.vaultId],
      ],
      { ...noAlphaRows, ...noBetaVault },
    ],
    [
      'entry of a catalog, key of a vault',
      () => [
        ['cluster-catalog', `${made.alpha.clusterId}/e/`],
        ['vault-keys', made.beta.vaultId],
      ],
      { ...noAlphaRows, ...noBetaVault },
    ],
    [
      'name of a cluster, name of a vault',
      () => [
        ['kusto-cluster-names', 'alpha'],
        ['vault-names', 'beta-keys'],
      ],
      { ...noAlphaRows, ...noBetaVault },
    ],
    [
      'resource of a cluster, resource of a vault (policies, network rules)',
      () => [
        ['arm-resources', 'clusters/alpha'],
        ['arm-resources', 'vaults/beta-keys'],
      ],
      { ...noAlphaRows, ...noBetaVault },
    ],
    ['identity of a cluster', () => [['principal', made.alpha.principalId]], { alphaRows: '503 ServiceUnavailable' }],
    ['resource group', () => [['arm-resource-groups', '/alpha']], { group: arm }],
    ['role assignment', () => [['role-assignments', made.owner.objectId]], noArm],
    ['subscription', () => [['arm-subscriptions', made.owner.subscriptionId]], noArm],
    ['principal', () => [['principal', made.owner.objectId]], nobody],
    ['client id of a principal', () => [['principalByApp', made.owner.clientId]], nobody],
    ['tenant', () => [['tenant', made.owner.tenantId]], nobody],
  ])('fails closed for its owner: %s', async (_name, meant, failures) => {
    using copy = withFlipped(isOneOf(meant()));
    const log: string[] = [];
    await using server = await startServerFixture({
      dataDirectory: copy.directory,
      log: { level: 'info', destination: { write: (line) => void log.push(line) } },
    });
    expect(await failing(server)).toEqual(failures);
    for (const [table, text] of meant()) {
      const named = log.filter((line) => line.includes('state-record-damaged') && line.includes(`"table":"${table}"`));
      expect(named.some((line) => line.includes(text))).toBe(true);
    }
  });

  it('of the instance itself is refused by name at the start', async () => {
    const rest = withStateFile(made.directory, (file) => file.rows()).filter(
      ({ table }) =>
        !treeTables.includes(table) &&
        (stateTables.find((row) => row.table.name === table)?.owner.of('') ?? 'instance') === 'instance',
    );
    expect(new Set(rest.map(({ table }) => table))).toEqual(
      new Set(['audit-checkpoint', 'certificate-authority', 'entraPrivateKey', 'entraSigningKeys', 'instance', 'seal']),
    );
    for (const { table, id } of rest) {
      using copy = withFlipped((row) => row.table === table && row.id === id);
      await expect(startServerFixture({ dataDirectory: copy.directory })).rejects.toThrow(`${table}/${id}`);
    }
  });
});

describe('an empty state', () => {
  it.each<[string, (directory: string) => void]>([
    ['emptied', (directory) => truncateSync(join(directory, 'state.db'))],
    ['gone', (directory) => rmSync(join(directory, 'state.db'))],
    [
      'without its records',
      (directory) =>
        withStateFile(directory, (file) => {
          for (const row of file.rows()) file.remove(row);
        }),
    ],
    [
      'beside a root key and nothing else',
      (directory) => {
        truncateSync(join(directory, 'state.db'));
        rmSync(join(directory, 'extents'), { recursive: true });
        rmSync(join(directory, 'ca.pem'));
      },
    ],
    [
      'beside extents and nothing else',
      (directory) => {
        truncateSync(join(directory, 'state.db'));
        rmSync(join(directory, 'root.key'));
        rmSync(join(directory, 'ca.pem'));
        mkdirSync(join(directory, 'extents'), { recursive: true });
        writeFileSync(join(directory, 'extents', 'x'), '');
      },
    ],
  ])('%s never becomes a new instance', async (_name, change) => {
    using copy = copied(change);
    const before = existsSync(join(copy.directory, 'root.key'));
    const start = startServerFixture({ dataDirectory: copy.directory });
    await expect(start).rejects.toMatchObject({ name: 'EmptiedStateError' });
    expect(existsSync(join(copy.directory, 'root.key'))).toBe(before);
  });
});

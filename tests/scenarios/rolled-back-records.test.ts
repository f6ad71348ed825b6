import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptState } from '../../src/server/start-server.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import type { StateRow } from '../support/state-rows.ts';
import { withStateFile } from '../support/state-rows.ts';
import type { Fixture, Probe, TwoOwners } from '../support/two-owners.ts';
import { failing, twoOwnersDirectory, vaultOf } from '../support/two-owners.ts';

const assignmentName = '7d0c4a39-6f6a-4f35-9f2c-0d3d9c1f7a11';
const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';

let made: TwoOwners;
/** What somebody with the disk has kept from before the revocations: alpha's assignment, beta's key, policies and cluster. */
let before: readonly StateRow[];
let anchorFile = '';
beforeAll(async () => {
  made = await twoOwnersDirectory();
  anchorFile = join(made.directory, '..', `anchor-${process.pid}`);
  await served(async (server) => {
    const properties = {
      roleDefinitionId: roleId(),
      principalId: made.alpha.principalId,
      principalType: 'ServicePrincipal',
    };
    await send(server, 'management.azure.com', 'PUT', assignmentPath(), { properties });
  });
  before = withStateFile(made.directory, (file) => file.rows());
  await served(async (server) => {
    await send(server, 'management.azure.com', 'DELETE', assignmentPath());
    const vault = `${vaultOf('beta')}.vault.azure.net`;
    const { tenantId, objectId } = made.owner;
    const onlyOwner = { tenantId, objectId, permissions: { keys: ['all'] } };
    const policies = { properties: { accessPolicies: [onlyOwner] } };
    await send(server, vault, 'PATCH', '/keys/cluster-key?api-version=7.4', { attributes: { enabled: false } });
    await server.server.controls.checkKeys();
    await send(server, 'management.azure.com', 'PATCH', vaultPath(), policies);
  });
});
afterAll(() => {
  rmSync(anchorFile, { force: true });
  made[Symbol.dispose]();
});

async function served(work: (server: Fixture) => Promise<void>): Promise<void> {
  await using server = await startServerFixture({ dataDirectory: made.directory, stateAnchor: anchorFile });
  await work(server);
}

const group = (owner: string): string => `/subscriptions/${made.owner.subscriptionId}/resourceGroups/${owner}`;
const roleId = (): string =>
  `/subscriptions/${made.owner.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${reader}`;
const assignmentPath = (): string =>
  `${group('alpha')}/providers/Microsoft.Authorization/roleAssignments/${assignmentName}?api-version=2022-04-01`;
const vaultPath = (): string =>
  `${group('beta')}/providers/Microsoft.KeyVault/vaults/${vaultOf('beta')}?api-version=2023-02-01`;

async function send(server: Fixture, host: string, method: string, path: string, body?: object): Promise<unknown> {
  const token = await server.tokenFor(
    host.includes('vault') ? 'https://vault.azure.net' : 'https://management.azure.com',
  );
  const answer = await server.send({ host, method, path, token, ...(body === undefined ? {} : { body }) });
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body;
}

/** A copy of the stopped server's directory, in which rows are as they were. */
function withOld(
  isMeant: (row: Pick<StateRow, 'table' | 'id'>) => boolean,
): { readonly directory: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-old-'));
  cpSync(made.directory, directory, { recursive: true });
  withStateFile(directory, (file) => {
    for (const row of file.rows()) if (isMeant(row)) file.remove(row);
    const old = before.filter(isMeant);
    expect(old).not.toEqual([]);
    for (const row of old) file.put(row);
  });
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

type Failures = Partial<Record<Probe, string>>;
const vaultFails = '500 InternalServerError';
/** Beta is suspended: that is what was revoked. */
const asRevoked: Failures = { betaRows: '503 ClusterSuspended' };

describe('a stopped server into whose state old records are put back', () => {
  it('serves what it should without them', async () => {
    await using server = await startServerFixture({ dataDirectory: made.directory });
    expect(await failing(server)).toEqual(asRevoked);
  });

  it.each<[string, (row: Pick<StateRow, 'table' | 'id'>) => boolean, Failures, string]>([
    [
      'an enabled key',
      ({ table, id }) => table === 'vault-key-versions' && id.startsWith(made.beta.vaultId),
      { ...asRevoked, betaKey: vaultFails },
      'vault-key-versions',
    ],
    [
      'a cluster that is not suspended',
      ({ table, id }) => table === 'cluster-keys' && id === made.beta.clusterId,
      { ...asRevoked, betaRows: '520 DataIntegrityError' },
      'cluster-keys',
    ],
    [
      'access policies of a vault',
      ({ table, id }) => table === 'arm-resources' && id.endsWith(`/vaults/${vaultOf('beta')}`),
      { ...asRevoked, betaKey: vaultFails },
      'arm-resources',
    ],
    [
      'all keys of a vault, with their digests',
      ({ table, id }) =>
        table.startsWith('vault-')
          ? id.startsWith(made.beta.vaultId)
          : table.startsWith('tree-') && id.includes(`vault ${made.beta.vaultId}`),
      { ...asRevoked, betaKey: vaultFails },
      'tree-heads',
    ],
  ])('refuses %s by name, and serves the others', async (_name, isMeant, failures, table) => {
    using copy = withOld(isMeant);
    const log: string[] = [];
    await using server = await startServerFixture({
      dataDirectory: copy.directory,
      log: { level: 'info', destination: { write: (line) => void log.push(line) } },
    });
    await server.server.controls.checkKeys();
    expect(await failing(server)).toEqual(failures);
    expect(log.filter((line) => line.includes('state-record-damaged')).join()).toContain(`"table":"${table}"`);
  });

  it('refuses a role that was taken away', async () => {
    using copy = withOld(({ table, id }) => table === 'role-assignments' && id.endsWith(assignmentName));
    await using server = await startServerFixture({ dataDirectory: copy.directory });
    const list = assignmentPath().replace(`/${assignmentName}`, '');
    const listed = await send(server, 'management.azure.com', 'GET', list);
    expect(JSON.stringify(listed)).not.toContain(assignmentName);
    await expect(send(server, 'management.azure.com', 'DELETE', assignmentPath())).rejects.toThrow('500');
    expect(await failing(server)).toEqual(asRevoked);
  });

  it('refuses the whole directory of yesterday by its anchor, until it is accepted', async () => {
    using copy = withOld(() => true);
    const settings = { dataDirectory: copy.directory, stateAnchor: anchorFile };
    await expect(startServerFixture(settings)).rejects.toMatchObject({ name: 'AnchorError' });
    await acceptState(settings);
    await using server = await startServerFixture(settings);
    expect(await failing(server)).toEqual({});
  });
});

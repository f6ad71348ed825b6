import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { ClientSecretCredential } from '@azure/identity';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { confirmDrill } from '../../src/cli/drill/own/confirm.ts';
import { drillOwn } from '../../src/cli/drill/own/own-action.ts';
import { ownDrillPage, ownDrillText } from '../../src/cli/drill/own/own-text.ts';
import { environmentOf } from '../../src/cli/live-instance.ts';
import type { CmkClients } from '../../src/cmk/clients.ts';
import { connectClients } from '../../src/cmk/clients.ts';
import type { OwnCluster } from '../../src/cmk/drill/own-cluster.ts';
import { lookAtOwn } from '../../src/cmk/drill/own-cluster.ts';
import type { OwnDrillPorts } from '../../src/cmk/drill/own-drill.ts';
import { NotUndone, ownDrill } from '../../src/cmk/drill/own-drill.ts';
import type { OwnWay } from '../../src/cmk/drill/own-ways.ts';
import { ownWays } from '../../src/cmk/drill/own-ways.ts';
import { setClusterKey } from '../../src/cmk/changes.ts';
import { clusterIdOf } from '../../src/cmk/target.ts';
import { EdgeAgent } from '../../src/http/edge-agent.ts';
import { azureCalls } from '../../src/server/azure-calls.ts';
import { defaultSeed, seed } from '../../src/server/seed.ts';
import { parsed } from '../support/cmk-fixture.ts';
import { startKustody } from '../support/kustody-command.ts';
import { startServerFixture } from '../support/server-fixture.ts';

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let clients: CmkClients;
let own: OwnCluster;
const files = mkdtempSync(join(tmpdir(), 'kustody-own-drill-'));
const vaultUri = 'https://kustody-keys.vault.azure.net/';

const idOf = () => parsed(clusterIdOf(fixture.environment.subscriptionId, 'kustody', 'kustody'));

beforeAll(async () => {
  fixture = await startServerFixture();
  const { tenantId, clientId, clientSecret } = fixture.environment;
  await seed(fixture.environment, defaultSeed);
  await azureCalls(fixture.environment).vault('kustody-keys')('POST', '/keys/cluster-key/create?api-version=7.4', {
    ...{ kty: 'RSA', key_size: 2048 },
  });
  const agent = new EdgeAgent(fixture.server.port, readFileSync(fixture.server.caFile, 'utf8'));
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, { agent });
  clients = connectClients({ agent, credential, now: () => Date.now() });
  const { key, version } = await lookAtOwn(clients, idOf());
  await setClusterKey(clients, idOf(), { ...key, keyVersion: version });
  own = await lookAtOwn(clients, idOf());
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  rmSync(files, { recursive: true, force: true });
});

/** Time passes only while it is waited for. */
function paced(change: Partial<OwnDrillPorts> = {}) {
  let nowMs = 0;
  const pace = {
    now: () => new Date(nowMs),
    sleep: (milliseconds: number) => {
      nowMs += milliseconds;
      return Promise.resolve();
    },
  };
  const nothing = (): void => undefined;
  const ports: OwnDrillPorts = {
    ...{ clients, pace, pollMs: 10_000, waitMs: 60_000, undoing: { clients, pace } },
    ...{ begins: nothing, changes: nothing, ended: nothing },
    ...change,
  };
  return { ports, passedMs: () => nowMs };
}

const way = (name: string): OwnWay => {
  const found = ownWays.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no way ${name}`);
  return found;
};

/** What a drill may not leave otherwise than it was. */
async function stateNow() {
  const versions = [];
  for await (const { version, enabled, expiresOn } of clients.keys(vaultUri).listPropertiesOfKeyVersions('cluster-key'))
    versions.push({ version, enabled, expiresOn });
  const { properties } = await clients.vaults(fixture.environment.subscriptionId).vaults.get('kustody', 'kustody-keys');
  const byVersion = versions.toSorted((left, right) => ((left.version ?? '') < (right.version ?? '') ? -1 : 1));
  const { cluster } = { cluster: await lookAtOwn(clients, idOf()) };
  return JSON.parse(JSON.stringify({ byVersion, policies: properties.accessPolicies, key: cluster.key })) as unknown;
}

interface Seen {
  readonly method: string;
  readonly host: string;
  readonly operation: string;
}
/** A list that the resource manager is asked for by POST; and what the cluster itself asks its vault, as ever. */
const reads = ['Clusters_ListFollowerDatabases', 'UnwrapKey', 'WrapKey'];
const isRead = ({ method, operation }: Seen): boolean => method === 'GET' || reads.includes(operation);
async function requestsAfter(last: number): Promise<{ readonly requests: readonly Seen[]; readonly last: number }> {
  const answer = await fixture.send({
    ...{ host: 'localhost', method: 'GET', path: `/traffic?after=${last}`, token: fixture.server.controlToken },
  });
  return answer.body as { requests: readonly Seen[]; last: number };
}
const changing = ({ requests }: { readonly requests: readonly Seen[] }): readonly Seen[] =>
  requests.filter((seen) => !isRead(seen) && !['login.microsoftonline.com', 'localhost'].includes(seen.host));

describe("a drill on one's own cluster", () => {
  it('sees every revocation bite and heal, and leaves everything as it was', async () => {
    const before = await stateNow();
    const rows = await ownDrill(own, ownWays, paced().ports);
    expect(rows.map((row) => [row.way, row.bitAfterSeconds, row.healedAfterSeconds, row.problems])).toEqual(
      ownWays.map(({ name }) => [name, 0, 0, []]),
    );
    for (const { query, command } of rows)
      expect([query, command]).toEqual(Array(2).fill({ served: false, status: 503, error: 'ClusterSuspended' }));
    expect(rows[1]?.changes).toHaveLength(2);
    const following = { keyName: own.key.keyName, keyVaultUri: own.key.keyVaultUri };
    expect(way('versionDisabled').changes({ ...own, key: following })).toMatch(/does not say which one it uses/);
    expect(await stateNow()).toEqual(before);
  });

  it('undoes what was begun when it is ended in the middle', async () => {
    const before = await stateNow();
    let named = 0;
    const changes = (): void => {
      named += 1;
      if (named === 2) throw new Error('ended');
    };
    await expect(ownDrill(own, [way('keyDisabled')], paced({ changes }).ports)).rejects.toThrow('ended');
    expect(await stateNow()).toEqual(before);
  });

  it('names what is not undone, and how it is undone by hand', async () => {
    const before = await stateNow();
    const refused: CmkClients = {
      ...clients,
      keys: () => {
        throw new Error('no');
      },
    };
    const { ports, passedMs } = paced();
    const drill = ownDrill(own, [way('versionDisabled')], {
      ...ports,
      undoing: { ...ports.undoing, clients: refused },
    });
    const error = await drill.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NotUndone);
    expect(passedMs()).toBe(9 * 5_000);
    const [change] = (error as NotUndone).changes;
    expect(change?.byHand).toBe(
      `az keyvault key set-attributes --vault-name kustody-keys --name cluster-key --version ${own.version} --enabled true`,
    );
    await change?.undo(clients);
    expect(await stateNow()).toEqual(before);
  });

  it('reports how long the cluster still answered, and how long it was refused, wherever it reports', async () => {
    const answers = [...Array<boolean>(3).fill(true), false, false, ...Array<boolean>(4).fill(false), true];
    const late: CmkClients = {
      ...clients,
      data: () => {
        const served = answers.shift() === true;
        const error = { code: 'ClusterSuspended' };
        return Promise.resolve({ status: served ? 200 : 503, body: served ? {} : { error } });
      },
    };
    const harmless: OwnWay = { name: 'harmless', title: 'nothing happened', changes: () => [] };
    const rows = await ownDrill(own, [harmless], paced({ clients: late }).ports);
    expect(answers).toEqual([]);
    expect(rows).toMatchObject([{ bitAfterSeconds: 20, healedAfterSeconds: 40, problems: [] }]);
    expect(ownDrillText(rows)).toMatch(/nothing happened +│ 20 s +│.*│ 40 s +│/);
    const plan = { place: 'here', ways: [], notDone: [], waitSeconds: 60 };
    const refused = '<td>503 Cluster<wbr>Suspended</td>';
    expect(ownDrillPage(own, plan, rows, '2026-01-01T00:00:00.000Z')).toContain(
      `<td>nothing happened</td><td>20 s</td>${refused}${refused}<td>40 s</td>`,
    );
  });

  it('says when a cluster went on without its key, after the time that was given', async () => {
    const harmless: OwnWay = { name: 'harmless', title: 'nothing happened', changes: () => [] };
    const { ports, passedMs } = paced();
    const [row] = await ownDrill(own, [harmless], ports);
    expect(row?.problems).toEqual(['The cluster went on without its key for 60 s.']);
    expect(passedMs()).toBe(60_000);
  });

  it('is undone after a signal, too, and writes the page when there is none', async () => {
    const before = await stateNow();
    const html = join(files, 'drill.html');
    const options = {
      ...{ cluster: 'kustody', azure: false, yes: true, wait: 60, only: ['versionDisabled'], json: true, html },
      data: fixture.directory,
    };
    const printed: string[] = [];
    const told = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      printed.push(String(text));
      if (String(text).startsWith('  disable version') && printed.length > 0) process.emit('SIGHUP');
      return true;
    });
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    try {
      await expect(drillOwn(options)).rejects.toMatchObject({ name: 'UserError', exitCode: 130 });
      expect(await stateNow()).toEqual(before);
      told.mockImplementation(() => true);
      await drillOwn(options);
    } finally {
      told.mockRestore();
      out.mockRestore();
    }
    expect(process.listenerCount('SIGHUP')).toBe(0);
    expect(printed.join('')).toContain('Nothing else is sent but reads');
    const page = readFileSync(html, 'utf8');
    expect(page).toMatch(/<td>key version disabled<\/td><td>[\d.]+ s<\/td><td>503 Cluster<wbr>Suspended<\/td>/);
    expect(page).toContain(`disable version ${own.version}`);
    expect(page).not.toMatch(/<script|src=|href=/);
    expect(await stateNow()).toEqual(before);
  });
});

describe('without being agreed to', () => {
  const typed = (...answers: readonly string[]) => {
    const input = Object.assign(new PassThrough(), { isTTY: true });
    const output = Object.assign(new PassThrough(), { isTTY: true });
    let next = 0;
    output.on('data', (text: Buffer) => {
      if (text.toString().includes(' Type ')) input.write(`${answers[next++] ?? ''}\n`);
    });
    return { input, output, asked: () => next };
  };

  it.each([
    [true, ['yes', 'kustody'], true, 2],
    [true, ['yes', 'yes'], false, 2],
    [true, ['no'], false, 1],
    [false, ['yes'], true, 1],
  ] as const)('on Azure: %s, answered %j: %s', async (azure, answers, agreed, times) => {
    const terminal = typed(...answers);
    expect(await confirmDrill({ azure, yes: false, cluster: 'kustody' }, terminal)).toBe(agreed);
    expect(terminal.asked()).toBe(times);
  });

  it('refuses --yes on Azure', async () => {
    await expect(confirmDrill({ azure: true, yes: true, cluster: 'c' })).rejects.toThrow('--yes is refused');
  });

  it('nothing but reads is sent, nor for a way that cannot be undone', async () => {
    const { directory, server } = fixture;
    const variables = await environmentOf(
      { dataDirectory: directory, controlToken: server.controlToken, describe: server.environment },
      process.env,
    );
    const environment = Object.fromEntries(
      Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const { last } = await requestsAfter(0);
    const { code, stderr } = await startKustody(['drill', '--cluster', idOf().id, '--azure'], environment).result;
    expect(stderr).toMatch(/disable version[\s\S]*Nobody is there to ask twice; nothing was changed/);
    expect(code).toBe(1);
    const seen = await requestsAfter(last);
    expect(seen.requests.length).toBeGreaterThan(5);
    expect(changing(seen)).toEqual([]);
    const one = { cluster: 'kustody', azure: false, yes: true, wait: 1, json: true, data: directory };
    await expect(drillOwn({ ...one, only: ['vaultDeleted'] })).rejects.toThrow(/is not done to a cluster of one's own/);
    expect(changing(await requestsAfter(last))).toEqual([]);
  });
});

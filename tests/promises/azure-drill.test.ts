import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { builtInRole } from '../../src/authz/role-definitions.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { environmentOf } from '../../src/cli/live-instance.ts';
import type { AzureCalls } from '../../src/server/azure-calls.ts';
import { ownWays, privateWays } from '../../src/cmk/drill/own-ways.ts';
import { azureCalls } from '../../src/server/azure-calls.ts';
import { defaultSeed, seed } from '../../src/server/seed.ts';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { followTraffic, namedRequests, sentRequests } from '../support/named-requests.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { startAtTerminal, terminalsAreThere } from '../support/terminal.ts';

/** A second Kustody stands in for Azure: of it the command knows only what it would of Azure, hosts and credentials. */
let azure: Awaited<ReturnType<typeof startServerFixture>>;
let calls: AzureCalls;
let environment: Record<string, string>;
let cluster = '';
let vault = '';
let identityPath = '';
/** Principal of the cluster. */
let identity = '';
/** The newer of two. */
let keyVersion = '';
const home = temporaryDirectory();

const first = 'This is Azure. Take the key away, and give it back? Type yes: ';
const second = 'Whoever works with the cluster is cut off. Once more, its name. Type kustody: ';

beforeAll(async () => {
  azure = await startServerFixture();
  await seed(azure.environment, defaultSeed);
  const group = `/subscriptions/${azure.environment.subscriptionId}/resourceGroups/kustody/providers`;
  cluster = `${group}/Microsoft.Kusto/clusters/kustody`;
  vault = `${group}/Microsoft.KeyVault/vaults/kustody-keys`;
  identityPath = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/kustody-identity`;
  calls = azureCalls(azure.environment);
  identity = await identityOfCluster();
  const create = '/keys/cluster-key/create?api-version=7.4';
  const made = await calls.vault('kustody-keys')('POST', create, { kty: 'RSA', key_size: 2048 });
  keyVersion = (made?.['key'] as { readonly kid: string }).kid.split('/').at(-1) ?? '';
  await underKey({ keyVersion });
  const { directory, server } = azure;
  const all = await environmentOf(
    { dataDirectory: directory, controlToken: server.controlToken, describe: server.environment },
    { PATH: process.env['PATH'] ?? '', HOME: home.path },
  );
  environment = {};
  for (const [name, value] of Object.entries(all))
    if (value !== undefined && !name.startsWith('KUSTODY_')) environment[name] = value;
});
afterAll(async () => {
  await azure[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

/** From now on the vault asks roles: of whoever drills, and of the cluster's identity. */
async function goByRoles(): Promise<void> {
  const { objectId, subscriptionId } = azure.environment;
  for (const [name, to] of [
    ['Key Vault Administrator', objectId],
    ['Key Vault Crypto Service Encryption User', identity],
  ] as const) {
    const { roleDefinitionId } = builtInRole(name);
    const definition = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${roleDefinitionId}`;
    const path = `${vault}/providers/Microsoft.Authorization/roleAssignments/${newGuid(systemRandomBytes)}`;
    await calls.arm('PUT', path, '2022-04-01', {
      properties: { roleDefinitionId: definition, principalId: to, principalType: 'ServicePrincipal' },
    });
  }
  await askRoles(true);
}

const askRoles = (enableRbacAuthorization: boolean) =>
  calls.arm('PATCH', vault, '2023-02-01', { properties: { enableRbacAuthorization } });

/** The version that the cluster names, or none. */
async function underKey(version: { readonly keyVersion?: string }): Promise<void> {
  const keyVaultProperties = {
    ...{ keyName: 'cluster-key', keyVaultUri: 'https://kustody-keys.vault.azure.net/', userIdentity: identityPath },
    ...version,
  };
  await calls.arm('PATCH', cluster, '2024-04-13', { properties: { keyVaultProperties } });
}

async function identityOfCluster(): Promise<string> {
  const identity = await calls.arm('GET', identityPath, '2023-01-31');
  return (identity?.['properties'] as { readonly principalId: string }).principalId;
}

/** All that a drill could leave otherwise than it was; times of changes differ afterwards, as they must. */
async function stateNow() {
  const key = calls.vault('kustody-keys');
  const versions = await key('GET', '/keys/cluster-key/versions?api-version=7.4');
  const list = (versions?.['value'] ?? []) as { kid: string }[];
  const state = {
    versions: await Promise.all(list.map(({ kid }) => key('GET', `${new URL(kid).pathname}?api-version=7.4`))),
    keys: await key('GET', '/keys?api-version=7.4'),
    deleted: await key('GET', '/deletedkeys?api-version=7.4'),
    rotation: await key('GET', '/keys/cluster-key/rotationpolicy?api-version=7.4'),
    vault: await calls.arm('GET', vault, '2023-02-01'),
    cluster: await calls.arm('GET', cluster, '2024-04-13'),
    roles: await calls.arm('GET', `${vault}/providers/Microsoft.Authorization/roleAssignments`, '2022-04-01'),
  };
  return JSON.parse(JSON.stringify(state, (name, value: unknown) => (changesAnyway.has(name) ? undefined : value))) as {
    readonly versions: readonly { readonly attributes: { readonly enabled: boolean } }[];
    readonly roles: { readonly value: readonly unknown[] };
  };
}
const changesAnyway = new Set(['updated', 'etag', 'systemData']);

const drill = (...words: readonly string[]) => ['drill', '--azure', '--cluster', cluster, ...words];

describe.skipIf(!terminalsAreThere)('a drill on Azure', () => {
  it('sends what it named and was agreed to twice, nothing else, and leaves all as it was', async () => {
    const before = await stateNow();
    expect(before.versions.map(({ attributes }) => attributes.enabled)).toEqual([true, true]);
    const traffic = await followTraffic(azure);
    const [json, html] = [join(home.path, 'drill.json'), join(home.path, 'drill.html')];
    const terminal = startAtTerminal(drill('--json', '--html', html), environment, json);
    await terminal.shown(first);
    terminal.type('yes');
    await terminal.shown(second);
    expect(sentRequests(await traffic.seen()).changing).toEqual([]);
    const agreedTo = terminal.screen();
    terminal.type('kustody');
    expect(await terminal.ended, terminal.screen()).toBe(0);

    const { changing, asked, wrappedBy } = sentRequests(await traffic.seen());
    const named = namedRequests(agreedTo, azure.environment.tenantId);
    expect(named.ways).toEqual(ownWays.map(({ title }) => title));
    expect(changing).toEqual(named.requests);
    expect(new Set(asked)).toEqual(new Set(named.asked));
    expect([...wrappedBy]).toEqual([identity]);
    for (const [name, why] of Object.entries(privateWays)) expect(agreedTo).toContain(`  not done: ${name} (${why})\n`);
    expect(await stateNow()).toEqual(before);

    const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
    expect(report).toMatchObject({ ok: true, place: 'Azure' });
    expect(report.rows.map(({ title }) => title)).toEqual(named.ways);
    const page = readFileSync(html, 'utf8').replaceAll('<wbr>', '');
    for (const { title, bitAfterSeconds, healedAfterSeconds, query, command } of report.rows) {
      expect([bitAfterSeconds, healedAfterSeconds]).toEqual([expect.any(Number), expect.any(Number)]);
      const answers = [query, command].map(({ status, error }) => `${status} ${error}`);
      const cells = ['ok', title, `${bitAfterSeconds} s`, ...answers, `${healedAfterSeconds} s`];
      expect(page).toContain(`<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
    }
  });

  it('goes by roles without touching them, and prints the latency of the revocation', async () => {
    await goByRoles();
    await underKey({});
    onTestFinished(async () => {
      await askRoles(false);
      await underKey({ keyVersion });
    });
    const before = await stateNow();
    expect(before.roles.value.length).toBeGreaterThanOrEqual(2);
    const traffic = await followTraffic(azure);
    const terminal = startAtTerminal(drill('--only', 'keyDisabled'), environment);
    await terminal.shown(first);
    terminal.type('yes');
    await terminal.shown(second);
    const agreedTo = terminal.screen();
    terminal.type('kustody');
    expect(await terminal.ended, terminal.screen()).toBe(0);
    const { changing } = sentRequests(await traffic.seen());
    expect(changing).toEqual(namedRequests(agreedTo, azure.environment.tenantId).requests);
    expect(changing).toHaveLength(4);
    expect(await stateNow()).toEqual(before);
    expect(terminal.screen()).toMatch(
      /\nwhat happened +all versions disabled\nbit after +[\d.]+ s\nquery +503 ClusterSuspended\ncommand +503 ClusterSuspended\nhealed after +[\d.]+ s\n/,
    );
    const refused = startAtTerminal(drill('--only', 'policyRemoved'), environment);
    expect(await refused.ended).toBe(1);
    expect(refused.screen()).toContain("'policyRemoved' cannot be done to this cluster: the vault goes by roles");
    const stopped = startAtTerminal(drill(), environment);
    await stopped.shown(first);
    stopped.type('no');
    expect(await stopped.ended).toBe(1);
    expect(namedRequests(stopped.screen(), azure.environment.tenantId).ways).toEqual([
      'all versions disabled',
      'key deleted',
    ]);
    expect(stopped.screen()).toMatch(
      /not done: versionDisabled \(the cluster follows the newest version .*\n +not done: policyRemoved \(the vault goes by roles/,
    );
  });
});

describe('without being agreed to twice at a terminal', () => {
  /** Nothing was changed, and nothing that changes was asked for. */
  async function unchanged(stopped: () => Promise<void>): Promise<void> {
    const before = await stateNow();
    const traffic = await followTraffic(azure);
    await stopped();
    const seen = await traffic.seen();
    expect(seen.length).toBeGreaterThan(5);
    const { changing, asked, wrappedBy } = sentRequests(seen);
    expect([changing, asked, [...wrappedBy].filter((who) => who !== identity)]).toEqual([[], [], []]);
    expect(await stateNow()).toEqual(before);
  }

  /** Ctrl+C and Ctrl+D. */
  const controls: readonly string[] = ['\u0003', '\u0004'];
  it.skipIf(!terminalsAreThere).each([
    ['the first question is answered otherwise', ['kustody'], 'Nothing was changed.', 1],
    ['the first one alone is answered', ['yes', ''], 'Nothing was changed.', 1],
    ['the second one is answered as the first', ['yes', 'yes'], 'Nothing was changed.', 1],
    ['it is interrupted after the first answer', ['yes', '\u0003'], 'Interrupted; nothing was changed.', 130],
    ['the terminal ends after the first answer', ['yes', '\u0004'], 'Nothing was changed.', 1],
  ] as const)('nothing but reads is sent when %s', async (_when, answers, said, code) => {
    await unchanged(async () => {
      const terminal = startAtTerminal(drill(), environment);
      for (const [at, answer] of answers.entries()) {
        await terminal.shown(at === 0 ? first : second);
        if (controls.includes(answer)) terminal.press(answer);
        else terminal.type(answer);
      }
      expect(await terminal.ended, terminal.screen()).toBe(code);
      expect(terminal.screen()).toContain(said);
      expect(terminal.screen().includes(second)).toBe(answers.length > 1);
    });
  });

  it('nothing but reads is sent where no terminal is, whatever is piped in', async () => {
    await unchanged(async () => {
      const { code, stderr } = await startKustody(drill(), environment).result;
      expect(stderr).toMatch(/disable version[\s\S]*Nobody is there to ask twice; nothing was changed/);
      expect(code).toBe(1);
    });
  });

  it.skipIf(!terminalsAreThere)('nothing but reads is sent with --yes, at a terminal too', async () => {
    await unchanged(async () => {
      const terminal = startAtTerminal(drill('--yes'), environment);
      expect(await terminal.ended).toBe(1);
      expect(terminal.screen()).toContain('On Azure --yes is refused');
    });
  });
});

interface Answer {
  readonly status: number;
  readonly error: string;
}
interface Report {
  readonly rows: readonly {
    readonly title: string;
    readonly bitAfterSeconds: number;
    readonly healedAfterSeconds: number;
    readonly query: Answer;
    readonly command: Answer;
  }[];
}

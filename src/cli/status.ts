import { Command } from 'commander';
import type { RootKeyStatus } from '../server/root-key-routes.ts';
import type { ClusterDescription } from '../server/cluster-inventory.ts';
import type { RootKeyPlace } from '../server/root-key-place.ts';
import type { StateShown } from '../server/state-place.ts';
import type { ServerPorts } from '../server/settings.ts';
import type { RefusedHost } from '../http/refused-hosts.ts';
import type { VaultDescription } from '../server/vault-inventory.ts';
import { custodyText, customerText, listClusters, listVaults, unwrappedText } from './clusters.ts';
import type { ControlClient } from './control-client.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { textTable } from './text-table.ts';

interface StatusOptions {
  readonly data?: string;
  readonly json: boolean;
  readonly watch: boolean;
}

/** What `/status` of the control API answers. */
interface ServerStatus extends ServerPorts {
  readonly version: string;
  readonly pid: number;
  readonly clock: {
    readonly now: string;
    readonly virtual: boolean;
    readonly frozen: boolean;
    readonly heldJump?: { readonly from: string; readonly to: string };
  };
  readonly refusedHosts: readonly RefusedHost[];
  /** One that is not in the data directory. */
  readonly state?: StateShown;
  /** Sealed extents that are not in the data directory. */
  readonly blobs?: { readonly address: string };
}

/** Everything that the command shows; `--json` prints it as it is. */
export interface InstanceStatus extends ServerStatus {
  readonly dataDirectory: string;
  readonly rootKey: Pick<RootKeyStatus, 'id' | 'kept' | 'oldId' | 'oldKept' | 'resealing' | 'running'>;
  readonly clusters: readonly ClusterDescription[];
  readonly vaults: readonly VaultDescription[];
  /** Hosts of the vaults outside. */
  readonly outside: readonly string[];
  readonly faults: readonly Readonly<Record<string, unknown>>[];
  /** What to do now, the most pressing first. */
  readonly next: readonly string[];
}

const watchEveryMs = 2_000;

export function statusCommand(): Command {
  return new Command('status')
    .description(
      'Show what runs on a data directory: addresses, clusters with their keys, vaults, clock, faults, refused hosts, and what to do next. Exit code 3 when a cluster or a database is suspended.',
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .option('--watch', 'show it again every two seconds, until interrupted', false)
    .addHelpText('after', '\nExamples:\n  $ kustody status\n  $ kustody status --json | jq .clusters')
    .action(status);
}

async function status(options: StatusOptions): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  for (;;) {
    const found = await readStatus(client);
    process.exitCode = found.clusters.some(isSuspended) ? 3 : 0;
    const clear = options.watch && process.stdout.isTTY && !options.json ? '\x1b[H\x1b[2J' : '';
    process.stdout.write(`${clear}${options.json ? JSON.stringify(found) : statusText(found)}\n`);
    if (!options.watch) return;
    await new Promise((resolve) => setTimeout(resolve, watchEveryMs));
  }
}

async function readStatus(client: ControlClient): Promise<InstanceStatus> {
  const [server, rootKey, clusters, listed, faults] = await Promise.all([
    client.call('GET', '/status') as Promise<ServerStatus>,
    client.call('GET', '/root-key') as Promise<RootKeyStatus>,
    listClusters(client, false),
    listVaults(client),
    client.call('GET', '/faults') as Promise<Pick<InstanceStatus, 'faults'>>,
  ]);
  const found = {
    ...server,
    dataDirectory: client.dataDirectory,
    rootKey: rootKeyOf(rootKey),
    clusters,
    ...listed,
    ...faults,
  };
  return { ...found, next: nextSteps(found) };
}

/** Without what came of the last rotation, which whoever asked for it was told. */
export const rootKeyOf = (status: RootKeyStatus): InstanceStatus['rootKey'] => {
  const { id, kept, oldId, oldKept, resealing, running } = status;
  return { id, kept, ...(oldId !== undefined && { oldId }), ...(oldKept && { oldKept }), resealing, running };
};

const isSuspended = ({ suspension, databaseKeys = [] }: ClusterDescription): boolean =>
  suspension !== undefined || databaseKeys.some((key) => key.suspension !== undefined);

/** The most pressing first. */
export function nextSteps(found: Omit<InstanceStatus, 'next'>): readonly string[] {
  const { clock, clusters, dataDirectory, faults, refusedHosts, rootKey } = found;
  const steps: string[] = [];
  if (clock.heldJump !== undefined)
    steps.push("The machine's clock has stepped: nothing is destroyed until 'kustody clock accept'.");
  const owners = clusters.flatMap((cluster) => [
    { ...cluster, owner: `Cluster ${cluster.name}` },
    ...(cluster.databaseKeys ?? []).map((key) => ({ ...key, owner: `Database ${cluster.name}/${key.name}` })),
  ]);
  for (const { owner, suspension, kid } of owners) {
    if (suspension === undefined) continue;
    steps.push(`${owner} is suspended: ${suspension.reason} Give the key ${kid} back, then 'kustody check-keys'.`);
  }
  for (const { owner, warning } of owners) if (warning !== undefined) steps.push(`${owner}: ${warning}`);
  if (rootKey.resealing && !rootKey.running)
    steps.push("Records are sealed under two root keys, and each start needs both: 'kustody root-key rotate' goes on.");
  if (faults.length > 0) steps.push('Faults are switched on: requests fail on purpose.');
  const foreign = refusedHosts.filter(({ why }) => why === 'foreign').map(({ host }) => host);
  if (foreign.length > 0)
    steps.push(`To let a refused host through, start with --allow, for example --allow ${foreign[0] ?? ''}.`);
  if (clusters.length === 0)
    steps.push("There is no cluster yet: 'kustody run --seed -- bash' makes one, as does 'kustody article'.");
  steps.push(`Point a shell at it: eval "$(kustody env --data '${dataDirectory}')"`);
  return steps;
}

function statusText(found: InstanceStatus): string {
  const {
    version,
    pid,
    dataDirectory,
    port,
    kustoPort,
    proxyPort,
    state,
    blobs,
    rootKey,
    clock,
    clusters,
    vaults,
    outside,
    faults,
    refusedHosts,
    next,
  } = found;
  const kind = clock.virtual ? (clock.frozen ? 'virtual, frozen' : 'virtual') : 'real';
  const section = (title: string, empty: string, text: string): string =>
    `${title}\n${text === '' ? `  ${empty}` : text}`;
  return [
    `Kustody ${version} (process ${pid}) serves ${dataDirectory}`,
    `  control API            https://localhost:${port}`,
    `  cluster on localhost   https://localhost:${kustoPort}`,
    `  forward proxy          http://127.0.0.1:${proxyPort}`,
    `  clock                  ${clock.now} (${kind})`,
    ...(state === undefined
      ? []
      : [`  state                  ${state.address}`, `    ${state.keeps}`, `    ${state.failover}`]),
    `  root key               ${rootKeyText(rootKey)}`,
    ...(blobs === undefined ? [] : [`  sealed extents         ${blobs.address}`]),
    '',
    section('Clusters', 'none', clusters.length === 0 ? '' : clustersTable(clusters)),
    section('Vaults', 'none', vaults.length === 0 ? '' : vaultsTable(vaults)),
    ...(outside.length === 0 ? [] : [section('Vaults outside', 'none', outside.map((host) => `  ${host}`).join('\n'))]),
    section('Faults', 'none', faults.map((fault) => `  ${JSON.stringify(fault)}`).join('\n')),
    section('Refused hosts', 'none', refusedHosts.map(refusedText).join('\n')),
    section('Next', '', next.map((step) => `  - ${step}`).join('\n')),
  ].join('\n');
}

const placeTexts: Readonly<Record<Exclude<RootKeyPlace['place'], 'vault'>, string>> = {
  file: 'in root.key beside the data',
  environment: 'given in the environment',
  descriptor: 'given by a file descriptor',
  elsewhere: 'given by the program that serves it',
};

const placeText = ({ place, kid = '' }: RootKeyPlace): string =>
  place === 'vault' ? `in the state, wrapped by ${kid}` : placeTexts[place];

/** Where the root keys are, and what they are known by: nothing of them. */
export function rootKeyText({ id, kept, oldId, oldKept, running }: InstanceStatus['rootKey']): string {
  const now = `${id}, ${placeText(kept)}`;
  if (oldId === undefined || oldKept === undefined) return now;
  return `${now}, taking the place of ${oldId}, ${placeText(oldKept)}${running ? '' : ', which was interrupted'}`;
}

export const refusedText = ({ host, why, times }: RefusedHost): string =>
  `  ${host} (${times} ${times === 1 ? 'time' : 'times'})${why === 'absent' ? ': no such host here' : ''}`;

const clustersTable = (clusters: readonly ClusterDescription[]): string =>
  textTable(
    ['cluster', 'state', 'custody', 'key', 'lease'],
    clusters.flatMap((cluster) => [
      [
        cluster.name,
        cluster.suspension === undefined ? cluster.state : `suspended since ${cluster.suspension.since}`,
        ...[custodyText(cluster), cluster.kid, unwrappedText(cluster)],
      ],
      ...(cluster.databaseKeys ?? []).map((key) => [
        `${cluster.name}/${key.name}`,
        key.suspension === undefined ? '' : `suspended since ${key.suspension.since}`,
        ...[customerText(key), key.kid, unwrappedText(key)],
      ]),
    ]),
  );

const vaultsTable = (vaults: readonly VaultDescription[]): string =>
  textTable(['vault', 'key', 'version', 'state', 'expires'], vaults.flatMap(vaultRows));

function vaultRows({ name, state, purgedOn, keys }: VaultDescription): readonly (readonly string[])[] {
  const gone = state === 'live' ? undefined : `vault ${state}${purgedOn === undefined ? '' : `, purged ${purgedOn}`}`;
  if (keys.length === 0) return [[name, '(no keys)', '', gone ?? '', '']];
  return keys.flatMap((key) =>
    key.versions.map((version) => [
      ...[name, key.name, version.version],
      gone ??
        (key.purgedOn === undefined
          ? `${version.enabled ? 'enabled' : 'disabled'}${version.current ? ', current' : ''}`
          : `deleted, purged ${key.purgedOn}`),
      version.expiresOn ?? '',
    ]),
  );
}

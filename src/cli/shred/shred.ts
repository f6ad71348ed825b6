import { isJsonObject, textMember } from '../../base/json.ts';
import { azureCalls } from '../../server/azure-calls.ts';
import { callLocal, localToken } from '../../server/local-client.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import { version } from '../../server/version.ts';
import { listClusters, listVaults } from '../clusters.ts';
import type { ControlClient } from '../control-client.ts';
import type { Signed } from '../proof/signature.ts';
import { signReport } from '../proof/signature.ts';
import { vaultSigning } from '../proof/vault-signature.ts';
import { UserError } from '../user-error.ts';
import type { ShredCertificate } from './certificate.ts';
import { makeCertificate } from './certificate.ts';
import { keysUnderData } from '../custody/cluster-kids.ts';
import { copiesOf } from '../custody/copies.ts';
import { openExtents, tryExtents } from './extent-attempts.ts';
import { findTargets } from './find-targets.ts';
import type { KeyHistory } from '../custody/fold-history.ts';
import { readKeyHistory } from '../custody/key-history.ts';
import type { DoomedKey, Target } from './key-plan.ts';
import { doomedKeys, otherUsers, othersUnder, stateOf } from './key-plan.ts';

export interface ShredRequest {
  /** Names or resource ids. */
  readonly clusters: readonly string[];
  /** Lets the Kustody clock go on until the last key is purged. */
  readonly advanceClock: boolean;
  /** A key of a vault that signs, not the instance: none that data is under, and none that goes. */
  readonly signWith?: string;
  /** What an earlier run has written. */
  readonly before: ShredCertificate | undefined;
}

export interface ShredSteps {
  /** Asked before the first deletion, and not when there is none left to do. */
  readonly confirm: (plan: ShredCertificate) => Promise<boolean>;
  /** Durable when it returns. */
  readonly write: (certificate: Signed<ShredCertificate>) => void;
}

/** The order, each step of which can be repeated:
 * 1. find clusters, followers and keys; refuse what would take away anything that was not named;
 * 2. while the cluster still serves, read a value of each extent;
 * 3. after the answer, write what was found, signed, before anything is deleted: an end in the middle loses neither keys nor control;
 * 4. delete each key that is there, over HTTPS as any client does; purge protection and retention stay what they are;
 * 5. where that was asked for, let the Kustody clock go on until the last is purged;
 * 6. try the extents again, read the audit anew, and write the certificate of what is so now. */
export async function shred(
  client: ControlClient,
  request: ShredRequest,
  steps: ShredSteps,
): Promise<Signed<ShredCertificate>> {
  const { before } = request;
  const environment = await client.environment();
  const calls = azureCalls(environment);
  if (request.advanceClock) await requireVirtualClock(client);
  const clusters = await listClusters(client);
  const { targets, keptFollowers } = await findTargets(calls, clusters, request.clusters, before);
  const history = await readKeyHistory(client);
  const keys = doomedKeys(targets, clusters, history, (await listVaults(client)).vaults, before?.keys.map(bare));
  const others = othersUnder(keys, targets, clusters);
  if (others.length > 0)
    throw new UserError(
      `Other clusters are under these keys, too: ${others.join(', ')}. Nothing was deleted.`,
      'Give them other keys first, or name them as well.',
    );
  const underKeys = new Set([...keysUnderData(clusters), ...keys.map(({ key }) => key)]);
  const sign = await vaultSigning(environment, request.signWith, underKeys);
  const held = { client, environment, targets, keys, keptFollowers };
  const control = before?.control ?? (await controlOf(environment, servingOf(clusters, targets)));
  const vaults = (await listVaults(client)).vaults;
  const there = keys.filter((key) => stateOf(key, vaults, history).state === 'there');
  if (there.length > 0) {
    const plan = await certify(held, history, control);
    if (!(await steps.confirm(plan))) throw new UserError('Nothing was deleted.');
    steps.write(await signReport(client, plan, sign));
    for (const { key } of there) await deleteKey(environment, key);
  }
  if (request.advanceClock) await advanceClock(client, keys, history);
  const signed = await signReport(client, await certify(held, await readKeyHistory(client), control), sign);
  steps.write(signed);
  return signed;
}

interface Held {
  readonly client: ControlClient;
  readonly environment: InstanceEnvironment;
  readonly targets: readonly Target[];
  readonly keys: readonly DoomedKey[];
  readonly keptFollowers: readonly string[];
}

/** What is so at this moment. */
async function certify(
  { client, targets, keys, keptFollowers }: Held,
  history: KeyHistory,
  control: ShredCertificate['control'],
): Promise<ShredCertificate> {
  const environment = await client.environment(); // with the clusters that there are now
  const clusters = await listClusters(client, false);
  const { vaults } = await listVaults(client);
  const copied = targets.map((target) => ({ ...target, ...exportsOf(clusters, target) }));
  const names = keys.map(({ key }) => key);
  return makeCertificate({
    kustody: version,
    madeOn: new Date().toISOString(),
    madeOnKustodyClock: (await readClock(client)).now,
    dataDirectory: client.dataDirectory,
    clusters: targets,
    keys: keys.map((key) => ({ ...key, ...stateOf(key, vaults, history) })),
    ...(control === undefined ? {} : { control }),
    attempts: await tryExtents(environment, control?.tables ?? [], () => readLocked(client)),
    copies: copiesOf(history, names, copied, keptFollowers),
    alsoUsedBy: otherUsers(keys, targets, history),
    history: { complete: history.wholeLog, ...(history.since === undefined ? {} : { since: history.since }) },
  });
}

async function readLocked(client: ControlClient): Promise<(cluster: string, database: string) => boolean> {
  const locked = new Set<string>();
  for (const { name, suspension, databaseNames, databaseKeys = [] } of await listClusters(client, false)) {
    const without = databaseKeys.flatMap((one) => (one.suspension === undefined ? [] : [one.name]));
    for (const database of suspension === undefined ? without : databaseNames) locked.add(`${name}/${database}`);
  }
  return (cluster, database) => locked.has(`${cluster}/${database}`);
}

function exportsOf(
  clusters: readonly ClusterDescription[],
  { clusterId }: Target,
): Pick<ClusterDescription, 'exports'> {
  const exports = clusters.find((cluster) => cluster.clusterId === clusterId)?.exports;
  return exports === undefined ? {} : { exports };
}

const servingOf = (
  clusters: readonly ClusterDescription[],
  targets: readonly Target[],
): readonly ClusterDescription[] =>
  clusters.filter(
    ({ clusterId, databases }) =>
      databases !== undefined && targets.some((target) => target.clusterId === clusterId && !target.follower),
  );

async function controlOf(
  environment: InstanceEnvironment,
  serving: readonly ClusterDescription[],
): Promise<ShredCertificate['control']> {
  if (serving.length === 0) return undefined;
  return { madeOn: new Date().toISOString(), tables: await openExtents(environment, serving) };
}

const bare = ({ key, versions, usedBy, firstUsed, lastUsed }: DoomedKey): DoomedKey => ({
  ...{ key, versions, usedBy },
  ...(firstUsed === undefined ? {} : { firstUsed }),
  ...(lastUsed === undefined ? {} : { lastUsed }),
});

/** All versions at once. That it is gone already is what is wanted. @throws UserError with the vault's own words */
async function deleteKey(environment: InstanceEnvironment, key: string): Promise<void> {
  const { host, pathname } = new URL(key);
  const answer = await callLocal(environment, {
    ...{ host, method: 'DELETE', path: `${pathname}?api-version=7.4` },
    token: await localToken(environment, 'https://vault.azure.net'),
  });
  if (answer.status < 300 || answer.status === 404) return;
  const error = isJsonObject(answer.value) && isJsonObject(answer.value['error']) ? answer.value['error'] : {};
  throw new UserError(
    `${key} was not deleted: ${textMember(error, 'code')}: ${textMember(error, 'message')}`,
    `What was deleted before it stays deleted; mend this and run the same again. Who deletes is the application ${environment.clientId}.`,
  );
}

interface Clock {
  readonly now: string;
  readonly virtual: boolean;
}

// Both ends are of this package.
const readClock = async (client: ControlClient): Promise<Clock> => (await client.call('GET', '/clock')) as Clock;

async function requireVirtualClock(client: ControlClient): Promise<void> {
  if ((await readClock(client)).virtual) return;
  throw new UserError(
    "The clock of this instance is the real one: it cannot be moved, and a vault's retention is not shortened.",
    'Run it without --advance-clock; the certificate says pending until the day when the keys are purged. Then run the same again.',
  );
}

async function advanceClock(client: ControlClient, keys: readonly DoomedKey[], history: KeyHistory): Promise<void> {
  const { vaults } = await listVaults(client);
  const dates = keys.flatMap((key) => stateOf(key, vaults, history).purgedOn ?? []).toSorted();
  const last = dates.at(-1);
  if (last === undefined) return;
  const seconds = (Date.parse(last) - Date.parse((await readClock(client)).now)) / 1000;
  if (seconds > 0) await client.call('POST', '/clock/advance', { seconds: Math.ceil(seconds) + 1 });
}

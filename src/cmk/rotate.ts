import { ApplyStopped } from './apply.ts';
import type { Progress } from './apply.ts';
import type { Pace } from './changes.ts';
import { perform, setClusterKey } from './changes.ts';
import type { CmkClients } from './clients.ts';
import type { ClusterFacts, ClusterKey, Facts, KeyFacts, VaultFacts } from './facts.ts';
import { isSettled } from './facts.ts';
import { gather, gatherCluster, gatherKey, keyFacts } from './gather.ts';
import { isSameClusterKey } from './plan-cluster-key.ts';
import { keyProblem } from './plan-key.ts';
import { sameText } from './resource-id.ts';
import { resolveTarget } from './resolve-target.ts';
import type { CmkTarget, GivenTarget } from './target.ts';

/** What a rotation will do, for the question before it. */
export interface Rotation {
  readonly target: CmkTarget;
  readonly cluster: ClusterFacts;
  readonly key: ClusterKey;
  readonly vault: VaultFacts;
  /** The version that is in use; of a cluster that follows the newest: that one. */
  readonly from: string;
  /** Absent: a new version is made, like `model`. */
  readonly to?: string;
  readonly model: KeyFacts;
  /** The cluster names a version. Else it follows the newest by itself. */
  readonly pinned: boolean;
  readonly warnings: readonly string[];
}

export interface Rotated {
  readonly from: string;
  readonly to: string;
  /** A cluster that follows the newest does not say which version it uses. */
  readonly confirmed: boolean;
  readonly oldDisabled: boolean;
}

/** @throws ApplyStopped when the cluster has no key of a customer, or not the one that is given, or the version cannot be used */
export async function planRotation(
  clients: CmkClients,
  given: GivenTarget,
  toVersion: string | undefined,
  now: Date,
): Promise<Rotation> {
  const { target, facts } = await lookAtKey(clients, given);
  const { cluster, vault } = facts;
  const key = cluster?.key;
  if (cluster === undefined || key === undefined)
    throw new ApplyStopped('The cluster has no customer-managed key: use apply.');
  if (vault === undefined) {
    const place = target.cluster.subscriptionId;
    throw new ApplyStopped(`We see no vault ${key.keyVaultUri} in subscription ${place}: name it by its resource id.`);
  }
  if (!isSameClusterKey(key, { ...key, keyName: target.keyName, keyVaultUri: vault.uri }))
    throw new ApplyStopped(
      `The cluster uses key '${key.keyName}' of ${key.keyVaultUri}, not the one given: use apply.`,
    );
  if (!isSettled(cluster)) throw new ApplyStopped('An operation on the cluster is under way: wait for its end.');
  if (!sameText(cluster.state, 'Running'))
    throw new ApplyStopped(`The cluster is ${cluster.state}. ${cluster.stateReason}`.trim());
  const pinned = key.keyVersion !== undefined;
  if (toVersion !== undefined && !pinned) {
    throw new ApplyStopped(
      'The cluster follows the newest version, so it takes no version. Pin one with: kustody cmk apply --key-version.',
    );
  }
  const newest = await requireKey(clients, vault.uri, target.keyName, undefined);
  const from = key.keyVersion ?? newest.version;
  const model = from === newest.version ? newest : await requireKey(clients, vault.uri, target.keyName, from);
  const to = pinned ? await versionToTake(clients, vault, newest, from, toVersion, now) : undefined;
  const plan = { target, cluster, key, vault, from, model, pinned, ...(to === undefined ? {} : { to }) };
  return { ...plan, warnings: warningsOf(model, to, toVersion) };
}

export async function lookAtKey(clients: CmkClients, given: GivenTarget): Promise<{ target: CmkTarget; facts: Facts }> {
  const cluster = await gatherCluster(clients, given.cluster);
  if (cluster === undefined) throw new ApplyStopped(`There is no cluster ${given.cluster.id}.`);
  if (cluster.key === undefined) throw new ApplyStopped('The cluster has no customer-managed key: use apply.');
  const target = resolveTarget(given, cluster);
  if ('problem' in target) throw new ApplyStopped(target.problem);
  return { target: target.value, facts: await gather(clients, target.value) };
}

/** A usable newer version that the cluster does not use yet is taken before another is made: so an interrupted rotation can be repeated,
 * and versions made by a rotation policy are taken up. @returns undefined when a new one must be made */
async function versionToTake(
  clients: CmkClients,
  vault: VaultFacts,
  newest: KeyFacts,
  from: string,
  toVersion: string | undefined,
  now: Date,
): Promise<string | undefined> {
  const ref = { vault: vault.name, key: newest.name };
  if (toVersion === undefined)
    return newest.version !== from && keyProblem(ref, newest, now) === undefined ? newest.version : undefined;
  if (sameText(toVersion, from)) throw new ApplyStopped(`The cluster uses version ${from} already.`);
  const problem = keyProblem(ref, await requireKey(clients, vault.uri, newest.name, toVersion), now);
  if (problem !== undefined) throw new ApplyStopped(`Version ${toVersion}: ${problem.note}`);
  return toVersion;
}

async function requireKey(
  clients: CmkClients,
  vaultUri: string,
  name: string,
  version: string | undefined,
): Promise<KeyFacts> {
  const reading = await gatherKey(clients, vaultUri, name, version);
  if (reading.outcome === 'found') return reading.key;
  const what = version === undefined ? `key '${name}'` : `version ${version} of key '${name}'`;
  throw new ApplyStopped(
    reading.outcome === 'refused' ? `The vault does not show ${what}: ${reading.message}` : `The vault has no ${what}.`,
  );
}

function warningsOf(model: KeyFacts, to: string | undefined, toVersion: string | undefined): readonly string[] {
  const waiting =
    to === undefined || toVersion !== undefined
      ? []
      : [`The key has a newer version already, ${to}: the cluster takes that one, and none is made.`];
  const expiry =
    to === undefined && model.expiresOn !== undefined
      ? ['The version now in use has an expiry; the new one will have none until you set it.']
      : [];
  return [...waiting, ...expiry];
}

/** New version, cluster, read back; only then, and only when asked for and agreed to, the old version is disabled. */
export async function rotate(
  clients: CmkClients,
  plan: Rotation,
  agreeToDisable: () => Promise<boolean>,
  pace: Pace,
  progress: Progress,
): Promise<Rotated> {
  const { target, key, vault, from, pinned } = plan;
  const to = plan.to ?? (await makeVersion(clients, plan, progress));
  if (!pinned) return { from, to, confirmed: false, oldDisabled: false };
  await progress.run(`Update the cluster to version ${to}`, async () => {
    const next: ClusterKey = { ...key, keyVersion: to };
    await setClusterKey(clients, target.cluster, next);
    await perform(clients, target.cluster, { kind: 'waitForCluster' }, pace);
    await requireInUse(clients, plan, next);
    return `the cluster runs and uses version ${to}`;
  });
  if (!(await agreeToDisable())) return { from, to, confirmed: true, oldDisabled: false };
  await progress.run(`Disable version ${from}`, async () => {
    await clients.keys(vault.uri).updateKeyProperties(target.keyName, from, { enabled: false });
    await requireInUse(clients, plan, { ...key, keyVersion: to });
    return 'disabled; the cluster still runs';
  });
  return { from, to, confirmed: true, oldDisabled: true };
}

async function makeVersion(
  clients: CmkClients,
  { target, vault, model }: Rotation,
  progress: Progress,
): Promise<string> {
  let made = '';
  await progress.run(`Create a new version of key '${target.keyName}'`, async () => {
    const { keyType, sizeBits, operations, tags } = model;
    const created = await clients.keys(vault.uri).createRsaKey(target.keyName, {
      hsm: keyType === 'RSA-HSM',
      keyOps: [...operations],
      ...(sizeBits === undefined ? {} : { keySize: sizeBits }),
      ...(tags === undefined ? {} : { tags: { ...tags } }),
    });
    made = keyFacts(created).version;
    return `version ${made}`;
  });
  return made;
}

async function requireInUse(clients: CmkClients, { target }: Rotation, wanted: ClusterKey): Promise<void> {
  const cluster = await gatherCluster(clients, target.cluster);
  const isInUse =
    cluster?.key !== undefined &&
    isSameClusterKey(cluster.key, wanted) &&
    sameText(cluster.provisioningState, 'Succeeded') &&
    sameText(cluster.state, 'Running');
  if (!isInUse) {
    const found = `${cluster?.state ?? 'gone'}, provisioningState ${cluster?.provisioningState ?? ''}, version ${cluster?.key?.keyVersion ?? 'none'}`;
    throw new ApplyStopped(
      `The cluster does not run with version ${wanted.keyVersion ?? ''} (${found}). The old version was left enabled.`,
    );
  }
}

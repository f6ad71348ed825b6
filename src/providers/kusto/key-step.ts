import type { Guid } from '../../base/guid.ts';
import type { CustomerKey, Custody, HowToCreate, PreparedKeyChange } from '../../encryption/cluster-keys.ts';
import { keyFailureError, lostKeyError, preflightError } from './cmk-errors.ts';
import type { SeenKey } from './cmk-remedies.ts';
import type { KeyStep } from './key-plan.ts';
import type { KustoPorts } from './ports.ts';

/** The key part of a change: its writes go into the commit of the cluster, then `committed` is called, else `abandoned`. */
export type PreparedKeyStep = Pick<PreparedKeyChange, 'write' | 'committed' | 'abandoned'>;

type KeyStepPorts = Pick<KustoPorts, 'keys' | 'outsideAccount'>;

const nothing = (): Promise<void> => Promise.resolve();
export const noStep: PreparedKeyStep = { write: [], committed: nothing, abandoned: nothing };

/** Asks the vault and prepares the step; nothing is written yet.
 * @throws ArmError with one of the documented codes, or 503 when the vault cannot be asked */
export async function prepareKeyStep(
  ports: KeyStepPorts,
  cluster: { readonly clusterId: Guid; readonly region: string },
  step: KeyStep,
): Promise<PreparedKeyStep> {
  switch (step.kind) {
    case 'none':
      return noStep;
    case 'useIdentity': {
      if (step.preflight !== undefined) await requireUsable(ports, step.preflight, cluster.region);
      const { clusterId } = cluster;
      const how = { mustOpen: step.mayHaveAccess };
      const write = await ports.keys.useIdentity(clusterId, step.principal, step.key.userIdentity, how);
      if ('outcome' in write) throw lostKeyError(write);
      const recheck = async (): Promise<void> => {
        await ports.keys.recheck(clusterId);
      };
      return { write, committed: recheck, abandoned: recheck };
    }
    case 'change':
      await requireUsable(ports, step.to, cluster.region);
      return change(ports, cluster.clusterId, { kind: 'customer', key: step.to });
    case 'revert':
      return change(ports, cluster.clusterId, { kind: 'microsoftManaged' });
  }
}

async function change(ports: KeyStepPorts, clusterId: Guid, to: Custody): Promise<PreparedKeyStep> {
  const prepared = await ports.keys.change(clusterId, to);
  if (!('outcome' in prepared)) return prepared;
  throw prepared.outcome === 'currentKeyLost'
    ? lostKeyError(prepared)
    : keyFailureError(await seenKey(ports, to), prepared.failure);
}

/** The first key of a new cluster. @throws ArmError as `prepareKeyStep` */
export async function prepareFirstKey(
  ports: KeyStepPorts,
  cluster: { readonly clusterId: Guid; readonly region: string },
  custody: Custody,
  how: HowToCreate,
): Promise<PreparedKeyStep> {
  if (custody.kind === 'customer') await requireUsable(ports, custody.key, cluster.region);
  const prepared = await ports.keys.create(cluster.clusterId, custody, how);
  if ('outcome' in prepared) throw keyFailureError(await seenKey(ports, custody), prepared.failure);
  return prepared;
}

/** With whom the vault sees, for the words of an error. @returns undefined under Microsoft-managed custody */
export async function seenKey(
  { outsideAccount }: Pick<KustoPorts, 'outsideAccount'>,
  custody: Custody,
): Promise<SeenKey | undefined> {
  if (custody.kind !== 'customer') return undefined;
  const { key } = custody;
  const account = await outsideAccount(key.vaultHost, key.identity);
  return account === undefined ? key : { ...key, account };
}

/** @throws ArmError with one of the documented codes, or 503 when the vault cannot be asked */
export async function requireUsable(ports: KeyStepPorts, key: CustomerKey, region: string): Promise<void> {
  const found = await ports.keys.preflight(key, region);
  if (found.outcome === 'usable') return;
  const error = preflightError((await seenKey(ports, { kind: 'customer', key })) ?? key, found);
  if (error !== undefined) throw error;
}

import type { Guid } from '../../base/guid.ts';
import type { CustomerKey, Custody, PreparedKeyChange } from '../../encryption/cluster-keys.ts';
import type { StateWrite } from '../../state/state.ts';
import { keyFailureError, lostKeyError, preflightError } from './cmk-errors.ts';
import type { KeyStep } from './key-plan.ts';
import type { KustoPorts } from './ports.ts';

/** The key part of a change: its writes go into the commit of the cluster, then `committed` is called, else `abandoned`. */
export type PreparedKeyStep = Pick<PreparedKeyChange, 'write' | 'committed' | 'abandoned'>;

const nothing = (): Promise<void> => Promise.resolve();
const onlyWrites = (write: readonly StateWrite[], committed = nothing): PreparedKeyStep => ({
  write,
  committed,
  abandoned: nothing,
});

/** Asks the vault and prepares the step; nothing is written yet.
 * @throws ArmError with one of the documented codes, or 503 when the vault cannot be asked */
export async function prepareKeyStep(
  ports: Pick<KustoPorts, 'keys'>,
  cluster: { readonly clusterId: Guid; readonly region: string },
  step: KeyStep,
): Promise<PreparedKeyStep> {
  switch (step.kind) {
    case 'none':
      return onlyWrites([]);
    case 'useIdentity': {
      if (step.preflight !== undefined) await requireUsable(ports, step.preflight, cluster.region);
      const write = await ports.keys.useIdentity(cluster.clusterId, step.principal, step.key.userIdentity);
      return onlyWrites(write, async () => {
        await ports.keys.recheck(cluster.clusterId);
      });
    }
    case 'change':
      await requireUsable(ports, step.to, cluster.region);
      return change(ports, cluster.clusterId, { kind: 'customer', key: step.to });
    case 'revert':
      return change(ports, cluster.clusterId, { kind: 'microsoftManaged' });
  }
}

async function change(ports: Pick<KustoPorts, 'keys'>, clusterId: Guid, to: Custody): Promise<PreparedKeyStep> {
  const prepared = await ports.keys.change(clusterId, to);
  if (!('outcome' in prepared)) return prepared;
  throw prepared.outcome === 'currentKeyLost' ? lostKeyError(prepared) : keyFailureError(keyOf(to), prepared.failure);
}

/** The first key of a new cluster. @throws ArmError as `prepareKeyStep` */
export async function prepareFirstKey(
  ports: Pick<KustoPorts, 'keys'>,
  cluster: { readonly clusterId: Guid; readonly region: string },
  custody: Custody,
): Promise<PreparedKeyStep> {
  if (custody.kind === 'customer') await requireUsable(ports, custody.key, cluster.region);
  const prepared = await ports.keys.create(cluster.clusterId, custody);
  if ('outcome' in prepared) throw keyFailureError(keyOf(custody), prepared.failure);
  return prepared;
}

const keyOf = (custody: Custody): CustomerKey | undefined => (custody.kind === 'customer' ? custody.key : undefined);

async function requireUsable(ports: Pick<KustoPorts, 'keys'>, key: CustomerKey, region: string): Promise<void> {
  const error = preflightError(key, await ports.keys.preflight(key, region));
  if (error !== undefined) throw error;
}

import { ArmError } from '../../../arm/arm-error.ts';
import { requireUnlocked } from '../../../arm/locks.ts';
import type { StateWrite } from '../../../state/state.ts';
import { deploymentErrors } from './deployment-errors.ts';
import type { DeploymentRecord } from './deployment-record.ts';
import { deploymentsIn, isActive, removalOf } from './deployment-record.ts';
import type { PlanningContext } from './planned-deployment.ts';

/** More than so many of a scope there never are. */
export const deploymentQuota = 800;
/** Beyond the first, the oldest that have ended go until the second is left.
 * @see "Automatic deletions from deployment history" of the resource manager's documentation */
const removedBeyond = 700;
const removedDownTo = 600;

/** Of a subscription or the tenant. @see "Template limits" of the resource manager's documentation */
const locationQuota = 10;

interface Room {
  /** Another one is refused, whatever is removed now. */
  readonly isFull: boolean;
  readonly removals: readonly StateWrite[];
}

/** What a new deployment of a scope finds in its history. Old ones are removed in the name of whoever deploys: without the right to
 * delete them, or under a lock, they stay.
 * @throws ArmError for one in an eleventh location */
export async function roomForOne(
  context: PlanningContext,
  { scopeId, name, location }: Pick<DeploymentRecord, 'scopeId' | 'name' | 'location'>,
): Promise<Room> {
  const { state } = context.deps;
  const held = await deploymentsIn(state, scopeId);
  const locations = new Set(held.flatMap(({ value }) => value.location ?? []));
  if (location !== undefined && !locations.has(location) && locations.size >= locationQuota)
    throw deploymentErrors.DeploymentLocationQuotaExceeded(name, locationQuota, [...locations]);
  const isFull = held.length >= deploymentQuota;
  const count = held.length + (isFull ? 0 : 1);
  if (count <= removedBeyond) return { isFull, removals: [] };
  const ended = held
    .filter(({ value }) => !isActive(value))
    .toSorted((left, right) => left.value.changedAt - right.value.changedAt);
  const removals: StateWrite[] = [];
  for (const found of ended.slice(0, count - removedDownTo))
    if (await mayBeDeleted(context, found.value.id)) removals.push(...(await removalOf(state, found)));
    else break;
  return { isFull, removals };
}

async function mayBeDeleted({ deps, caller, correlationId }: PlanningContext, id: string): Promise<boolean> {
  try {
    const query = { 'api-version': '2021-04-01' };
    await deps.calls.check({ method: 'DELETE', path: id, query, caller, correlationId });
    await requireUnlocked(deps.state, 'DELETE', id);
    return true;
  } catch (error) {
    if (error instanceof ArmError) return false;
    throw error;
  }
}

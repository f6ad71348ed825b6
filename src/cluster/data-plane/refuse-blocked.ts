import { instant, toIso } from '../../clock/clock.ts';
import { blockOf } from '../../database/catalog/blocked-principal.ts';
import { kustoError } from './errors/kusto-error.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import { heldData, headerText } from './request-limits.ts';

/** Through a follower the follower has said who is blocked: it is a cluster of its own.
 * @returns whether that is known: not while the data is not here
 * @throws KustoError `forbidden` for whoever an administrator of the cluster has blocked */
export async function refuseBlocked(
  ports: DataPlanePorts,
  { access, request: { headers } }: Pick<AdmittedRequest, 'access' | 'request'>,
): Promise<boolean> {
  if (access.following !== undefined) return true;
  const data = await heldData(ports);
  if (data === undefined) return false;
  const { fqn, memberOf } = access.caller;
  const sender = {
    fqn,
    memberOf,
    application: headerText(headers['x-ms-app']),
    user: headerText(headers['x-ms-user']),
  };
  const block = blockOf(data.clusterSettings(), sender, instant(access.now));
  if (block === undefined) return true;
  const why = block.reason === '' ? '' : ` The reason given is: ${block.reason}`;
  throw kustoError(
    'forbidden',
    `Principal '${fqn}' is blocked on cluster '${ports.host.clusterName}' until ${toIso(block.until)}.${why}`,
  );
}

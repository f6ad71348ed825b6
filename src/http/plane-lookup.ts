import type { HostName } from '../base/names.ts';
import type { HostClaim, Plane } from './plane.ts';

export type PlaneLookup =
  | { readonly outcome: 'serve'; readonly plane: Plane }
  | { readonly outcome: 'absent'; readonly plane: Plane }
  | { readonly outcome: 'foreign' };

/** Asks the planes in order; the first that knows the name decides. Also the answer to "does this host exist?" for our own
 * clients, which must tell a name that is gone from a network failure. */
export function lookUpHost(planes: readonly Plane[], host: HostName): PlaneLookup | Promise<PlaneLookup> {
  for (const [index, plane] of planes.entries()) {
    const claim = plane.claim(host);
    if (claim instanceof Promise)
      return claim.then((one) => answered(plane, one) ?? lookUpHost(planes.slice(index + 1), host));
    const found = answered(plane, claim);
    if (found !== undefined) return found;
  }
  return { outcome: 'foreign' };
}

const answered = (plane: Plane, claim: HostClaim): PlaneLookup | undefined =>
  claim === undefined ? undefined : { outcome: claim, plane };

import type { HostName } from '../base/names.ts';
import type { Plane } from './plane.ts';

export type PlaneLookup =
  | { readonly outcome: 'serve'; readonly plane: Plane }
  | { readonly outcome: 'absent'; readonly plane: Plane }
  | { readonly outcome: 'foreign' };

/** Asks the planes in order; the first that knows the name decides. Also the answer to "does this host exist?" for our own
 * clients, which must tell a name that is gone from a network failure. */
export async function lookUpHost(planes: readonly Plane[], host: HostName): Promise<PlaneLookup> {
  for (const plane of planes) {
    const claim = await plane.claim(host);
    if (claim !== undefined) return { outcome: claim, plane };
  }
  return { outcome: 'foreign' };
}

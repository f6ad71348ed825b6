import { azureCalls } from '../azure-calls.ts';
import type { InstanceEnvironment, SeededPrincipal } from '../instance-environment.ts';
import { makeClusters, putUnderKeys } from './make-clusters.ts';
import type { SeededCluster } from './make-clusters.ts';
import { knownPrincipals, makeMembers, makePrincipals } from './make-principals.ts';
import { makeRoles } from './make-roles.ts';
import { makeVaults } from './make-vaults.ts';
import type { SeedPlan } from './seed-plan.ts';
import type { Seeding } from './seeding.ts';
import { groupId, locationOf, step, versions } from './seeding.ts';

/** What came of a plan. */
export interface MadePlan {
  readonly clusters: readonly SeededCluster[];
}

export interface PlanOptions extends Partial<Pick<Seeding, 'begin' | 'say'>> {
  /** An earlier seed did not come to its end. */
  readonly isUnfinished?: boolean;
  /** Variables that `passwordFrom` names. */
  readonly passwords: Readonly<Record<string, string | undefined>>;
  /** Remembers how they sign in: nobody can ask the directory for it. */
  readonly keepPrincipals: (principals: readonly SeededPrincipal[]) => Promise<void>;
}

/** Makes what a file names and what is not there yet, over the wire as any client does, as the data directory's own application. Order:
 * resource group → principals → vaults → keys → clusters → databases → members, access policies and roles → keys on clusters. Each comes
 * after all that it needs, so that a plan that was interrupted is completed by making it again.
 * @throws SeedFilesError at the first that a service refuses, with its place in the file */
export async function makePlan(
  environment: InstanceEnvironment,
  plan: SeedPlan,
  { begin = () => undefined, say = () => undefined, isUnfinished = false, passwords, keepPrincipals }: PlanOptions,
): Promise<MadePlan> {
  const seeding: Seeding = { environment, plan, calls: azureCalls(environment), begin, say };
  const group = groupId(seeding);
  await step(seeding, ['resourceGroup'], async () => {
    const { arm } = seeding.calls;
    if ((await arm('GET', group, versions.resources, undefined, [404])) === undefined)
      await arm('PUT', group, versions.resources, { location: locationOf(seeding, {}) });
  });
  const principals = await makePrincipals(seeding, passwords, keepPrincipals);
  await makeVaults(seeding);
  const clusters = await makeClusters(seeding, isUnfinished);
  const known = knownPrincipals(principals, clusters);
  await makeMembers(seeding, known);
  await makeRoles(seeding, known);
  await putUnderKeys(seeding);
  return { clusters };
}

import type { InstanceEnvironment, SeededPrincipal } from '../instance-environment.ts';
import type { SeedOptions, Seeded } from '../seed.ts';
import { seed, seedVariables } from '../seed.ts';
import type { DatabaseFiles, SeedDirectory } from './seed-directory.ts';
import type { SeedOutcome } from '../seed-files.ts';
import { runSeedSteps } from '../seed-files.ts';
import { makePlan } from './make-plan.ts';
import type { SeededCluster } from './make-clusters.ts';
import type { SeedPlan } from './seed-plan.ts';
import type { Seeding } from './seeding.ts';

export interface DirectorySeeding extends Pick<Seeding, 'begin' | 'say'> {
  /** What is made without `kustody.yaml`. */
  readonly defaults: SeedOptions;
  /** An earlier seed did not come to its end. */
  readonly isUnfinished: boolean;
  /** Variables that `passwordFrom` names. */
  readonly passwords: Readonly<Record<string, string | undefined>>;
  /** Remembers how the principals of `kustody.yaml` sign in. */
  readonly keepPrincipals: (principals: readonly SeededPrincipal[]) => Promise<void>;
  /** Hears what came of each statement and file. */
  readonly tell: (outcome: SeedOutcome) => void;
}

/** What came of a seed. */
export interface SeedResult {
  /** Variables that name the default cluster. */
  readonly variables: Readonly<Record<string, string>>;
  /** The default cluster and database; missing when `kustody.yaml` names none. */
  readonly seeded?: Seeded;
}

interface Database {
  readonly clusterUri: string;
  readonly cluster: string;
  readonly database: string;
  readonly isNew: boolean;
}

/** Order: resources → files, of each database that is new.
 * @throws SeedFilesError with the file that was refused, or the place in `kustody.yaml`, and why */
export async function seedFromDirectory(
  environment: InstanceEnvironment,
  { plan, files }: SeedDirectory,
  seeding: DirectorySeeding,
): Promise<SeedResult> {
  if (plan === undefined) {
    const seeded = await seed(environment, seeding.defaults, seeding.begin, seeding.isUnfinished);
    const { clusterUri, database, isNew = false } = seeded;
    const only = { clusterUri, database, isNew, cluster: seeding.defaults.cluster };
    await runFiles(environment, files, [only], seeding);
    return { seeded, variables: seedVariables(seeded, environment) };
  }
  const { clusters } = await makePlan(environment, plan, seeding);
  await runFiles(environment, files, clusters.flatMap(databasesOf), seeding);
  const seeded = defaultOf(plan, clusters);
  return {
    ...(seeded === undefined ? {} : { seeded }),
    variables: seeded === undefined ? { KUSTODY_OBJECT_ID: environment.objectId } : seedVariables(seeded, environment),
  };
}

const databasesOf = ({ name: cluster, uri: clusterUri, databases }: SeededCluster): readonly Database[] =>
  databases.map(({ name: database, isNew }) => ({ clusterUri, cluster, database, isNew }));

/** @param databases the first is the default one */
async function runFiles(
  environment: InstanceEnvironment,
  files: readonly DatabaseFiles[],
  databases: readonly Database[],
  { begin, say, tell }: DirectorySeeding,
): Promise<void> {
  for (const { at, steps } of files) {
    const found =
      at === undefined
        ? databases[0]
        : databases.find(({ cluster, database }) => cluster === at.cluster && database === at.database);
    if (found === undefined) continue; // what is not there was refused when the directory was read
    if (!found.isNew) {
      say(`Database ${found.database} is there already: the files of the seed were not run.\n`);
      continue;
    }
    begin('running the files of the seed');
    await runSeedSteps(environment, found, steps, tell);
  }
}

/** The first database there is, and the key that its cluster is under by the file. */
function defaultOf({ document }: SeedPlan, clusters: readonly SeededCluster[]): Seeded | undefined {
  const cluster = clusters.find(({ databases }) => databases.length > 0);
  const [database] = cluster?.databases ?? [];
  if (cluster === undefined || database === undefined) return undefined;
  const { key } = document.clusters?.find(({ name }) => name === cluster.name) ?? {};
  return {
    clusterUri: cluster.uri,
    database: database.name,
    ...(key === undefined ? {} : { vaultUri: `https://${key.vault}.vault.azure.net/`, keyName: key.name }),
    ...(database.isNew ? { isNew: true } : {}),
  };
}

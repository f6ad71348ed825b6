import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { nearest } from '../../base/edit-distance.ts';
import { SeedFilesError } from '../seed-error.ts';
import type { SeedStep } from '../seed-files.ts';
import { namesIn, readSeedFiles } from '../seed-files.ts';
import { namesOf } from './references.ts';
import type { SeedPlan } from './seed-plan.ts';
import { readSeedPlan, seedPlanName } from './seed-plan.ts';

/** What a directory to seed from has, read and checked before anything is made. */
export interface SeedDirectory {
  /** `kustody.yaml`; without it, the default resources. */
  readonly plan?: SeedPlan;
  readonly files: readonly DatabaseFiles[];
}

/** Files for one database. */
export interface DatabaseFiles {
  /** Missing: the default one. */
  readonly at?: { readonly cluster: string; readonly database: string };
  readonly steps: readonly SeedStep[];
}

const databasesName = 'databases';

/** Files beside each other are for the default database: with `kustody.yaml` the first of its first cluster that has one. Below
 * `databases/CLUSTER/DATABASE/` are files for others that it names.
 * @throws SeedFilesError that names the file, or the place in `kustody.yaml` */
export function readSeedDirectory(directory: string): SeedDirectory {
  try {
    return readAll(directory);
  } catch (error) {
    // A file that may not be read, a link that leads nowhere.
    const { code, path } = error as NodeJS.ErrnoException;
    if (error instanceof SeedFilesError || code === undefined || path === undefined) throw error;
    throw new SeedFilesError(`${relative(directory, path)}: cannot be read (${code}).`);
  }
}

function readAll(directory: string): SeedDirectory {
  const names = namesIn(directory);
  if (!names.includes(seedPlanName)) return { files: withSteps([{ steps: readSeedFiles(directory) }]) };
  const plan = readSeedPlan(directory);
  const beside: DatabaseFiles = { steps: readSeedFiles(directory, [seedPlanName, databasesName]) };
  const [first] = beside.steps;
  if (first !== undefined && !plan.document.clusters?.some(({ databases = [] }) => databases.length > 0))
    throw new SeedFilesError(`${first.file}: ${seedPlanName} names no database that it could go to.`);
  const below = names.includes(databasesName) ? filesBelow(directory, plan) : [];
  return { plan, files: withSteps([beside, ...below]) };
}

const withSteps = (files: readonly DatabaseFiles[]): readonly DatabaseFiles[] =>
  files.filter(({ steps }) => steps.length > 0);

function filesBelow(directory: string, { document }: SeedPlan): readonly DatabaseFiles[] {
  const { clusters = [] } = document;
  return foldersIn(directory, databasesName, namesOf(clusters), 'cluster').flatMap((cluster) => {
    const databases = namesOf(clusters.find(({ name }) => name === cluster)?.databases);
    const folder = join(databasesName, cluster);
    return foldersIn(directory, folder, databases, `database of cluster ${cluster}`).map((database) => ({
      at: { cluster, database },
      steps: stepsIn(directory, join(folder, database)),
    }));
  });
}

/** @throws SeedFilesError for a folder that is not named after one, and for what is no folder */
function foldersIn(directory: string, folder: string, known: readonly string[], what: string): readonly string[] {
  const names = namesIn(join(directory, folder));
  for (const name of names) {
    const path = join(folder, name);
    if (!statSync(join(directory, path)).isDirectory()) throw new SeedFilesError(`${path}: is no folder.`);
    if (known.includes(name)) continue;
    const near = known.length === 0 ? 'There are none.' : `Near it: ${nearest(name, known, 3).join(', ')}.`;
    throw new SeedFilesError(`${path}: there is no ${what} '${name}' in ${seedPlanName}. ${near}`);
  }
  return names;
}

function stepsIn(directory: string, folder: string): readonly SeedStep[] {
  try {
    return readSeedFiles(join(directory, folder)).map((step) => ({ ...step, file: join(folder, step.file) }));
  } catch (error) {
    throw error instanceof SeedFilesError ? new SeedFilesError(`${folder}/${error.message}`) : error;
  }
}

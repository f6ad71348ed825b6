import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { syncDirectory } from '../base/sync-directory.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { seedMarkName } from '../server/data-directory-names.ts';
import { defaultSeed } from '../server/seed.ts';
import type { SeedDirectory } from '../server/seed-plan/seed-directory.ts';
import { NoSeedDirectoryError, SeedFilesError } from '../server/seed-error.ts';
import type { SeedOutcome } from '../server/seed-files.ts';
import type { SeedResult } from '../server/seed-plan/seed-from-directory.ts';
import { tablesOf, tableText } from './result-tables.ts';
import { UserError } from './user-error.ts';
import type { Waiting } from './waiting.ts';

/** `true`: without files; absent: no seed. */
export type SeedOption = true | string | undefined;

export const seedOption = (): Option =>
  new Option(
    '--seed [DIR]',
    'make a resource group, a vault with a key, a cluster under that key and a database first, and tell KUSTODY_CLUSTER_URI, KUSTODY_DATABASE, KUSTODY_VAULT_URI, KUSTODY_KEY_ID and KUSTODY_OBJECT_ID; with a directory, make what its kustody.yaml names instead, run its .kql files and take its .csv, .json and .parquet files in, in the order of their names',
  );

/** Before anything is started. @throws UserError */
export async function seedDirectoryOf(option: SeedOption): Promise<SeedDirectory> {
  if (typeof option !== 'string') return { files: [] };
  const { readSeedDirectory } = await import('../server/seed-plan/seed-directory.ts');
  return asUserError(() => readSeedDirectory(option));
}

/** What is seeded. */
interface SeededInstance {
  readonly environment: InstanceEnvironment;
  /** For the mark that a seed was begun. */
  readonly dataDirectory: string;
  readonly controlToken: string;
}

/** Order: a mark that it was begun → resources → files → the mark goes. Resources can be made again after a kill, rows could come twice.
 * @param say what came of the files, as they are done
 * @returns what programs are told of the seed
 * @throws UserError with the file that was refused, and why; when files of an earlier seed may have been run in part */
export async function seedInstance(
  { environment, dataDirectory, controlToken }: SeededInstance,
  directory: SeedDirectory,
  begin: Waiting['begin'],
  say: (text: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const mark = join(dataDirectory, seedMarkName);
  const isUnfinished = existsSync(mark);
  if (isUnfinished && directory.files.length > 0)
    throw new UserError(
      `The seed of ${dataDirectory} was begun and not finished: some of its files may have been run.`,
      `Begin anew with 'kustody reset --data ${dataDirectory}'${directory.plan === undefined ? ', or go on without files: --seed alone' : ''}.`,
    );
  writeFileSync(mark, '', { mode: 0o600 });
  syncDirectory(dataDirectory);
  const { seedFromDirectory } = await import('../server/seed-plan/seed-from-directory.ts');
  const { principalKeeper } = await import('../server/seeded-principals.ts');
  const { variables } = await asUserErrorLater(
    seedFromDirectory(environment, directory, {
      ...{ begin, say, isUnfinished, defaults: defaultSeed, passwords: process.env },
      keepPrincipals: principalKeeper(environment, controlToken),
      tell: (outcome) => say(outcomeText(outcome)),
    }),
  );
  rmSync(mark);
  return variables;
}

function outcomeText({ file, statement, answer }: SeedOutcome): string {
  const [first = ''] = statement.split('\n').filter((line) => !/^\s*\/\//.test(line));
  const tables = tablesOf(answer).map(({ table, toJson }) => tableText(table, toJson));
  return `${file}: ${first}\n${tables.join('')}`;
}

function told(error: unknown): unknown {
  if (error instanceof NoSeedDirectoryError)
    return new UserError(error.message, "Write a command for 'run' after --, and the directory right after --seed.");
  return error instanceof SeedFilesError ? new UserError(error.message) : error;
}

function asUserError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw told(error);
  }
}

async function asUserErrorLater(work: Promise<SeedResult>): Promise<SeedResult> {
  try {
    return await work;
  } catch (error) {
    throw told(error);
  }
}

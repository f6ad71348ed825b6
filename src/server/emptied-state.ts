import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stateFileName } from '../state/sqlite/sqlite-state-store.ts';
import { authorityFileName } from './control-file.ts';
import { extentDirectoryName } from './data-directory-names.ts';

/** The state is empty, and something beside it says that it was not. */
export class EmptiedStateError extends Error {
  override readonly name = 'EmptiedStateError';
  constructor(directory: string, beside: string) {
    super(
      `The state in ${directory} is empty, but ${beside} beside it belongs to an instance that was in use: a new one is not made there. Put its ${stateFileName} back, or give another directory.`,
    );
  }
}

/** Before the store is opened, which makes the file. */
export const hasNoState = (directory: string): boolean =>
  (statSync(join(directory, stateFileName), { throwIfNoEntry: false })?.size ?? 0) === 0;

/** For a state without any record. Order of a first start: state file → root key → first record → root certificate → port. So a crash
 * on the way leaves a root key beside a state file that has its tables, and that is taken up again.
 * @param noFile there was no state file, or it held nothing
 * @throws EmptiedStateError */
export function refuseEmptied(directory: string, rootKeyFileName: string, noFile: boolean): void {
  const signs = [extentDirectoryName, authorityFileName, ...(noFile ? [rootKeyFileName] : [])];
  const beside = signs.find((name) => holdsSomething(join(directory, name)));
  if (beside !== undefined) throw new EmptiedStateError(directory, beside);
}

function holdsSomething(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() !== true) return status !== undefined;
  return readdirSync(path).length > 0;
}

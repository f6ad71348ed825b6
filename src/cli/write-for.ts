import { writeFileSync } from 'node:fs';
import { UserError } from './user-error.ts';

/** Writes what an option asks for into a file, for its owner alone. @throws UserError that names the option */
export function writeFor(option: string, path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UserError(`${path} could not be written${code}.`, `Give another file with ${option}.`);
  }
}

import { writeFileSync } from 'node:fs';

/** @param file without it, standard output */
export function writeOut(text: string, file: string | undefined): void {
  if (file === undefined) process.stdout.write(text);
  else writeFileSync(file, text);
}

import { createRequire } from 'node:module';
import { correctLanguage } from './correct-language.ts';
import { languageFiles } from './language/language-files.ts';

/** Runs the two files of the official parser, which put their names on the global object. Takes about 150 ms; the first
 * parse after it takes about 500 ms more. */
export function loadLanguage(): void {
  const load = createRequire(import.meta.url);
  for (const file of languageFiles(import.meta.dirname)) load(file);
  correctLanguage();
}

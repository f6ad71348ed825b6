import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const names = ['bridge.min.js', 'Kusto.Language.Bridge.min.js'] as const;

/** The two files of the official parser, in the order in which they are run. A build has them beside it (`kusto-language`); in the sources
 * they are those of the installed package.
 * @param from where to begin; folders above follow */
export function languageFiles(from: string): readonly string[] {
  for (let folder = from; ; folder = dirname(folder)) {
    for (const place of ['kusto-language', 'node_modules/@kusto/language-service-next']) {
      const files = names.map((name) => join(folder, place, name));
      if (files.every((file) => existsSync(file))) return files;
    }
    if (folder === dirname(folder)) throw new Error('The language package is not installed.');
  }
}

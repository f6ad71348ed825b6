import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startUpFile } from '../../base/start-up-file.ts';

/** What Node.js is started with, for a snapshot and from it: V8 takes no snapshot that was built with other flags. */
export const parserFlags = ['--max-old-space-size=2048'] as const;

/** The start-up snapshot that belongs to a parser entry (`dist/kql-process.js`), known by the script that builds it, which has the
 * digest of the official parser at its top.
 * @param cache where it is kept; see `startUpFile`
 * @returns its path, undefined while there is none */
export function parserSnapshot(entry: string, cache: string | undefined): string | undefined {
  const builder = join(dirname(entry), 'kql-snapshot.cjs');
  if (!existsSync(builder)) return undefined;
  return startUpFile(
    {
      kind: 'parser',
      extension: 'blob',
      of: [...parserFlags, readFileSync(builder, 'utf8')],
      make: (draft) => [...parserFlags, '--snapshot-blob', draft, '--build-snapshot', builder],
    },
    cache,
  );
}

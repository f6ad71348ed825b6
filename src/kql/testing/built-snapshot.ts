import { mkdirSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { parserSnapshot } from '../parser/parser-snapshot.ts';

/** Starts the build of a snapshot, as the first start of a parser does. @returns its path, once it is in place */
export async function builtSnapshot(entry: string, cache: string): Promise<string> {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const changes = watch(cache, { signal: AbortSignal.timeout(50_000) });
  const placed = parserSnapshot(entry, cache);
  if (placed !== undefined) return placed;
  for await (const { filename } of changes) {
    if (filename?.endsWith('.blob') !== true) continue;
    const built = parserSnapshot(entry, cache);
    if (built !== undefined) return built;
  }
  throw new Error('No snapshot was built.');
}

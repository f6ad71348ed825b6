import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const vectors = join(import.meta.dirname, '../../vectors/delta');

/** The files of a Delta table of `vectors`, by their paths below its folder. */
export function deltaVector(name: string): ReadonlyMap<string, Buffer> {
  const folder = join(vectors, name);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path)];
    }),
  );
}

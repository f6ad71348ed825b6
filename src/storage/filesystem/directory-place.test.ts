import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { blobPlaceConformance } from '../blob-place.conformance.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-places-'));
afterAll(() => rmSync(root, { recursive: true }));
let places = 0;

blobPlaceConformance('a directory', () => Promise.resolve({ directory: join(root, String((places += 1))) }), {
  snapshots: true,
});

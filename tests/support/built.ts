import { join, resolve } from 'node:path';
import { parserSnapshots } from '../../src/kql/testing/parser-entry.ts';
import type { ServerScripts } from '../../src/server/settings.ts';

const dist = resolve(import.meta.dirname, '..', '..', 'dist');

/** The processes of a build. What they start faster with is there before the first test (`global-setup.ts`). */
export const builtScripts = {
  clusterProcess: join(dist, 'cluster-process.cjs'),
  kqlProcess: join(dist, 'kql-process.js'),
  rsaThread: join(dist, 'rsa-thread.js'),
  templateThread: join(dist, 'template-thread.js'),
  scanProcess: join(dist, 'scan-process.js'),
  startUpFiles: parserSnapshots,
} satisfies ServerScripts;

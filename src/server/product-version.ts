import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProductVersion } from '../cluster/supervisor/plane/suspended-commands.ts';
import { ticksOfUnixMilliseconds } from '../kql/values/ticks.ts';
import { version } from './version.ts';

/** When it was built stands beside its scripts: package managers set the times of files. */
export function productVersion(script: string): ProductVersion {
  const file = join(dirname(script), 'built-at.txt');
  const builtAtMs = existsSync(file) ? Date.parse(readFileSync(file, 'utf8').trim()) : 0;
  return { version, builtAt: ticksOfUnixMilliseconds(builtAtMs) };
}

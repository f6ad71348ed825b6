import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const made = join(import.meta.dirname, '..', '..', '.cache', 'java');

/** Whether the programs of tests/clients/java are built. Where they are not, the tests that need them are skipped, and say so. */
export function javaHasClients(): boolean {
  const isThere =
    existsSync(join(made, 'made-of')) && spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0;
  if (!isThere) console.warn('Skipped: no Java clients (scripts/java-clients.sh builds them with Maven).');
  return isThere;
}

/** The command that runs one of those programs. One core's worth of compiling is enough for what ends after seconds. */
export const javaProgram = (name: string): readonly string[] => [
  ...['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'],
  ...['-cp', `${join(made, 'classes')}:${join(made, 'dependency', '*')}`, `clients.${name}`],
];

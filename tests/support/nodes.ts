import { join } from 'node:path';
import type { Azurite } from './azurite.ts';
import type { StartedCommand } from './kustody-command.ts';
import { startKustody, temporaryDirectory } from './kustody-command.ts';
import type { Postgres } from './postgres.ts';
import { databasePassword } from './postgres.ts';
import { descendantsOf } from './process-tree.ts';

/** Undefined: it is not given. */
type Variables = Readonly<Record<string, string | undefined>>;

/** Nodes of one instance, each with a directory of its own, as on machines of their own.
 * @param schema of their state */
export async function openNodes(server: Postgres, azurite: Azurite, schema: string, program?: string) {
  const directory = temporaryDirectory();
  const url = await azurite.newContainer();
  const state = ['--state', server.url(schema)];
  const blobs = ['--blobs', url.replace(/\?.*/, ''), '--blobs-credential', 'env:CONNECTION'];
  const secrets = {
    ...{ KUSTODY_ROOT_KEY: 'ab'.repeat(32), PGPASSWORD: databasePassword },
    CONNECTION: azurite.connectionString,
  };
  const started: StartedCommand[] = [];
  const dataOf = (name: string): string => join(directory.path, name);
  /** An instance elsewhere, of the same root key. */
  const startWith = (variables: Variables, data: string, options: readonly string[]) => {
    const all: readonly [string, string | undefined][] = Object.entries({ ...secrets, ...variables });
    const environment = Object.fromEntries(
      all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const node = startKustody(['up', '--data', data, '--log-level', 'error', ...options], environment, [], program);
    started.push(node);
    return node;
  };
  const startAt = (data: string, ...options: string[]): StartedCommand => startWith({}, data, options);
  return {
    ...{ dataOf, secrets, state, blobs, startAt },
    start: (name: string, ...options: string[]): StartedCommand =>
      startAt(dataOf(name), ...state, ...blobs, ...options),
    /** @param variables instead of what all nodes are given */
    startHaving: (variables: Variables, name: string, ...options: string[]): StartedCommand =>
      startWith(variables, dataOf(name), [...state, ...blobs, ...options]),
    /** To all processes of a node. */
    signal: ({ process: { pid = 0 } }: StartedCommand, signal: NodeJS.Signals): void => {
      for (const one of [...descendantsOf(pid), pid]) process.kill(one, signal);
    },
    [Symbol.asyncDispose]: async () => {
      for (const { process: child } of started) if (child.exitCode === null) child.kill('SIGKILL');
      await Promise.all(started.map(({ result }) => result));
      directory[Symbol.dispose]();
    },
  };
}

import { resolve } from 'node:path';
import { builtScripts } from '../cli/built-scripts.ts';
import { environmentOf } from '../cli/live-instance.ts';
import { temporaryDataDirectory } from '../cli/private-instances.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { defaultSeed } from '../server/seed.ts';
import type { SeedOptions } from '../server/seed.ts';
import type { SeedDirectory } from '../server/seed-plan/seed-directory.ts';
import { readSeedDirectory } from '../server/seed-plan/seed-directory.ts';
import { seedFromDirectory } from '../server/seed-plan/seed-from-directory.ts';
import type { SeedResult } from '../server/seed-plan/seed-from-directory.ts';
import { principalKeeper } from '../server/seeded-principals.ts';
import type { ServerSettings } from '../server/settings.ts';
import { anyLoopbackPort, defaultKeySettings } from '../server/settings.ts';
import { startServer } from '../server/start-server.ts';
import type { RunningServer } from '../server/start-server.ts';
import { createHandle, flushQueued, testCluster, testSnapshot } from './handle.ts';
import type { ClusterOptions, Kustody, StartOptions } from './public.ts';

/** An instance with what other processes need to find it. */
export interface StartedInstance {
  readonly kustody: Kustody;
  readonly found: InstanceEnvironment;
  readonly controlToken: string;
  /** Variables that name the cluster that was asked for. */
  readonly seeded: Readonly<Record<string, string>>;
}

/** @param more settings of the server that users of `kustody/testing` have no option for */
export async function startInstance(
  options: StartOptions,
  more: Pick<ServerSettings, 'storageAccounts'> = {},
): Promise<StartedInstance> {
  requireKnown(options, 'startKustody', ['cluster', 'secondSubscription', 'keyRecheckSeconds', 'geoipDatabase']);
  if (typeof options.cluster === 'object')
    requireKnown(options.cluster, 'cluster', ['name', 'region', 'database', 'key', 'seed']);
  const directory = directoryOf(options.cluster);
  const temporary = await temporaryDataDirectory();
  let server: RunningServer | undefined;
  try {
    server = await startServer({
      dataDirectory: temporary.directory,
      listen: anyLoopbackPort,
      proxy: anyLoopbackPort,
      kusto: anyLoopbackPort,
      allowRemote: false,
      allowedHosts: [],
      virtualTime: true,
      secondSubscription: options.secondSubscription ?? false,
      expectsCluster: seedOf(options.cluster) !== undefined,
      ...(options.geoipDatabase === undefined ? {} : { geoipDatabase: resolve(options.geoipDatabase) }),
      keys: { ...defaultKeySettings, keyRecheckSeconds: recheckSecondsOf(options) },
      stopGraceMs: 0, // whoever still asks is this test
      log: { level: 'silent', destination: process.stderr },
      scripts: builtScripts(import.meta.dirname, process.env),
      ...more,
    });
    return await describe(server, temporary, { options, directory });
  } catch (error) {
    await server?.close();
    temporary.remove();
    throw error;
  }
}

async function describe(
  server: RunningServer,
  temporary: Awaited<ReturnType<typeof temporaryDataDirectory>>,
  asked: { readonly options: StartOptions; readonly directory: SeedDirectory },
): Promise<StartedInstance> {
  const { seeded, variables } = await seededBy(server, asked.options, asked.directory);
  const found = await server.environment();
  const { clocks, faults, checkKeys, snapshots } = server.controls;
  const virtual = clocks.virtual;
  if (virtual === undefined) throw new Error('The clock of a test instance is virtual.');
  const { handle, disconnect } = createHandle(found, seeded && testCluster(seeded));
  const close = async (): Promise<void> => {
    disconnect();
    await server.close();
    temporary.remove();
  };
  const kustody: Kustody = {
    ...handle,
    environment: () =>
      environmentOf(
        {
          dataDirectory: temporary.directory,
          controlToken: server.controlToken,
          describe: server.environment,
        },
        process.env,
      ),
    clock: {
      now: () => new Date(clocks.clock.now()),
      advance: async (milliseconds) => {
        await virtual.advance(milliseconds);
        await server.controls.clockMoved();
      },
      freeze: () => virtual.freeze(),
      resume: () => virtual.resume(),
    },
    faults: {
      add: async (rule) => {
        if ((await faults.add(rule)) === undefined) throw new TypeError('This is no fault rule that Kustody knows.');
      },
      clear: () => faults.clear(),
    },
    checkKeys,
    flushQueued: () => flushQueued(found, server.controlToken),
    snapshot: async () => {
      const id = await snapshots.take();
      return testSnapshot(id, () => snapshots.release(id));
    },
    restore: ({ id }) => snapshots.restore(id),
    close,
    [Symbol.asyncDispose]: close,
  };
  return { kustody, found, controlToken: server.controlToken, seeded: variables };
}

/** Before anything is started.
 * @throws SeedFilesError for a directory that is no seed; TypeError for options that say again what its kustody.yaml says */
function directoryOf(cluster: StartOptions['cluster']): SeedDirectory {
  const { seed, ...others } = typeof cluster === 'object' ? cluster : {};
  if (seed === undefined) return { files: [] };
  const directory = readSeedDirectory(resolve(seed));
  const [twice] = Object.keys(others);
  if (directory.plan === undefined) return directory;
  if (twice !== undefined) throw new TypeError(`kustody.yaml of '${seed}' says what there is: '${twice}' is for none.`);
  if (!(directory.plan.document.clusters ?? []).some(({ databases = [] }) => databases.length > 0))
    throw new TypeError(`kustody.yaml of '${seed}' names no cluster with a database.`);
  return directory;
}

async function seededBy(
  server: RunningServer,
  { cluster }: StartOptions,
  directory: SeedDirectory,
): Promise<SeedResult> {
  const defaults = seedOf(cluster);
  if (defaults === undefined) return { variables: {} };
  const found = await server.environment();
  return seedFromDirectory(found, directory, {
    ...{ defaults, isUnfinished: false, passwords: process.env },
    keepPrincipals: principalKeeper(found, server.controlToken),
    begin: () => undefined,
    say: () => undefined,
    tell: () => undefined,
  });
}

/** A name that is misspelt would be passed over in silence. */
function requireKnown<T extends object>(options: T, what: string, names: readonly (keyof T & string)[]): void {
  const unknown = Object.keys(options).find((name) => !names.some((known) => known === name));
  if (unknown === undefined) return;
  throw new TypeError(`'${unknown}' is no option of ${what}. There are: ${names.join(', ')}.`);
}

function recheckSecondsOf({ keyRecheckSeconds: seconds = defaultKeySettings.keyRecheckSeconds }: StartOptions): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= defaultKeySettings.keyCacheSeconds) return seconds;
  throw new RangeError(`keyRecheckSeconds is a whole number, 1 to ${defaultKeySettings.keyCacheSeconds}.`);
}

function seedOf(cluster: boolean | ClusterOptions | undefined): SeedOptions | undefined {
  if (cluster === undefined || cluster === false) return undefined;
  const asked = cluster === true ? {} : cluster;
  return {
    ...defaultSeed,
    ...(asked.name === undefined ? {} : { cluster: asked.name }),
    ...(asked.region === undefined ? {} : { region: asked.region }),
    ...(asked.database === undefined ? {} : { database: asked.database }),
    ...(asked.key === undefined ? {} : { key: asked.key }),
  };
}

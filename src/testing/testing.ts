import { resolve } from 'node:path';
import { builtScripts } from '../cli/built-scripts.ts';
import { environmentOf } from '../cli/live-instance.ts';
import { temporaryDataDirectory } from '../cli/private-instances.ts';
import { seed, defaultSeed } from '../server/seed.ts';
import type { SeedOptions } from '../server/seed.ts';
import { anyLoopbackPort, defaultKeySettings } from '../server/settings.ts';
import { startServer } from '../server/start-server.ts';
import type { RunningServer } from '../server/start-server.ts';
import { EdgeAgent, edgeHttpClient } from './edge-agent.ts';
import type { ClusterOptions, Kustody, StartOptions } from './public.ts';
import { queryRows } from './query-rows.ts';

/** Starts a Kustody of its own in this process, on free ports and in a temporary directory, with a clock that can be moved.
 * ```ts
 * await using k = await startKustody({ cluster: true });
 * const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
 * const keys = new KeyClient(k.cluster.vaultUri, credential, k.azureOptions);
 * ``` */
export async function startKustody(options: StartOptions = {}): Promise<Kustody> {
  requireKnown(options, 'startKustody', ['cluster', 'secondSubscription', 'keyRecheckSeconds', 'geoipDatabase']);
  if (typeof options.cluster === 'object')
    requireKnown(options.cluster, 'cluster', ['name', 'region', 'database', 'key']);
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
      log: { level: 'silent', destination: process.stderr },
      scripts: builtScripts(import.meta.dirname, process.env),
    });
    return await describe(server, temporary, options);
  } catch (error) {
    await server?.close();
    temporary.remove();
    throw error;
  }
}

async function describe(
  server: RunningServer,
  temporary: Awaited<ReturnType<typeof temporaryDataDirectory>>,
  options: StartOptions,
): Promise<Kustody> {
  const found = await server.environment();
  const agent = new EdgeAgent(server.port, found.caCertificate);
  const seedOptions = seedOf(options.cluster);
  const cluster = seedOptions === undefined ? undefined : await seed(found, seedOptions);
  const { clocks, faults, checkKeys } = server.controls;
  const virtual = clocks.virtual;
  if (virtual === undefined) throw new Error('The clock of a test instance is virtual.');
  const close = async (): Promise<void> => {
    agent.destroy();
    await server.close();
    temporary.remove();
  };
  return {
    tenantId: found.tenantId,
    subscriptionId: found.subscriptionId,
    ...(found.secondSubscriptionId === undefined ? {} : { secondSubscriptionId: found.secondSubscriptionId }),
    clientId: found.clientId,
    clientSecret: found.clientSecret,
    objectId: found.objectId,
    endpoints: {
      authority: 'https://login.microsoftonline.com',
      resourceManager: 'https://management.azure.com',
      control: `https://localhost:${server.port}`,
      localhostCluster: `https://localhost:${server.kustoPort}`,
      proxy: `http://127.0.0.1:${server.proxyPort}`,
    },
    ca: found.caCertificate,
    azureOptions: { httpClient: edgeHttpClient(agent) },
    httpsAgent: agent,
    environment: () =>
      environmentOf(
        {
          dataDirectory: temporary.directory,
          controlToken: server.controlToken,
          describe: server.environment,
        },
        process.env,
      ),
    ...(cluster === undefined
      ? {}
      : {
          cluster: {
            uri: cluster.clusterUri,
            database: cluster.database,
            ...(cluster.vaultUri === undefined ? {} : { vaultUri: cluster.vaultUri }),
            ...(cluster.keyName === undefined ? {} : { keyName: cluster.keyName }),
          },
        }),
    query: async (text, asked = {}) => {
      if (cluster === undefined)
        throw new Error('There is no cluster: ask for one with startKustody({ cluster: true }).');
      return queryRows(found, { uri: cluster.clusterUri, database: asked.database ?? cluster.database, text });
    },
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
    close,
    [Symbol.asyncDispose]: close,
  };
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

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RefusedHost } from '../http/refused-hosts.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { keptLoopbackPort } from '../server/settings.ts';
import { principalVariables } from '../server/principal-variables.ts';
import { clientDirectoryName } from '../server/data-directory-names.ts';
import type { Environment } from './client-environment.ts';
import { clientEnvironment } from './client-environment.ts';
import { findInstance } from './control-client.ts';
import { prepareDataDirectory } from './data-directory.ts';
import type { InstanceOptions } from './instance.ts';
import { temporaryDataDirectory } from './private-instances.ts';
import { makeOwnCode } from './own-code.ts';
import { systemBundlePaths, trustFiles } from './trust-files.ts';
import { UserError } from './user-error.ts';

/** An instance that clients can be pointed at: joined when one runs on the directory, else started here. */
export interface LiveInstance {
  readonly dataDirectory: string;
  readonly controlToken: string;
  readonly describe: () => Promise<InstanceEnvironment>;
  /** What clients asked it for in vain since it was started here. */
  readonly refusedHosts: () => readonly RefusedHost[];
  /** Resolves when its state was lost, and it serves no longer. */
  readonly lost?: Promise<Error>;
  /** Stops it when it was started here, and removes a temporary directory. */
  close(): Promise<void>;
}

export type OpenOptions = Pick<
  InstanceOptions,
  | 'rootKey'
  | 'rootKeyBy'
  | 'oldRootKey'
  | 'oldRootKeyBy'
  | 'stateAnchor'
  | 'statePlace'
  | 'blobs'
  | 'containerAccess'
  | 'allowedHosts'
  | 'expectsCluster'
  | 'geoipDatabase'
  | 'keyRecheckSeconds'
  | 'outsideVaults'
  | 'secondSubscription'
  | 'storageAccounts'
>;

/** @param data without it, a private instance in a temporary directory, with a clock that can be moved */
export async function openLiveInstance(data: string | undefined, options: OpenOptions): Promise<LiveInstance> {
  if (data === undefined) return openTemporary(options);
  const dataDirectory = prepareDataDirectory(data);
  const running = await findInstance(dataDirectory);
  if (running !== undefined) {
    refuseForRunning('--allow', (options.allowedHosts ?? []).length > 0);
    refuseForRunning('--second-subscription', options.secondSubscription === true);
    refuseForRunning('--vault', (options.outsideVaults ?? []).length > 0);
    refuseForRunning('--storage-account', (options.storageAccounts ?? []).length > 0);
    refuseForRunning('--key-recheck', options.keyRecheckSeconds !== undefined);
    refuseForRunning('--state-anchor', options.stateAnchor !== undefined);
    refuseForRunning('--state', options.statePlace !== undefined);
    refuseForRunning('--blobs', options.blobs !== undefined);
    refuseForRunning('--geoip-database', options.geoipDatabase !== undefined);
    options.rootKey?.close(); // that server has its own
    options.oldRootKey?.close();
    return {
      dataDirectory,
      controlToken: running.file.token,
      describe: () => running.environment(),
      refusedHosts: () => [],
      close: () => Promise.resolve(),
    };
  }
  const { startInstance } = await import('./instance.ts');
  const server = await startInstance({
    ...options,
    ...{ dataDirectory, virtualTime: false, listen: keptLoopbackPort, proxy: keptLoopbackPort },
  });
  makeOwnCode(import.meta.dirname, process.env);
  return {
    dataDirectory,
    controlToken: server.controlToken,
    describe: server.environment,
    refusedHosts: server.refusedHosts,
    ...(server.lost === undefined ? {} : { lost: server.lost }),
    close: () => server.close(),
  };
}

function refuseForRunning(option: string, isGiven: boolean): void {
  if (!isGiven) return;
  throw new UserError(
    `${option} counts for a server that is started now; this one runs already.`,
    `Give ${option} to 'kustody up'.`,
  );
}

async function openTemporary(options: OpenOptions): Promise<LiveInstance> {
  if (options.statePlace !== undefined)
    throw new UserError(
      'A private instance goes with its directory, and would leave its state behind in PostgreSQL.',
      'Give a directory that stays with --data.',
    );
  if (options.blobs !== undefined)
    throw new UserError(
      'A private instance goes with its directory, and would leave its sealed extents behind in the container.',
      'Give a directory that stays with --data.',
    );
  const temporary = await temporaryDataDirectory();
  try {
    const { startInstance } = await import('./instance.ts');
    const server = await startInstance({
      ...options,
      ...{ dataDirectory: temporary.directory, virtualTime: true },
      stopGraceMs: 0, // what would wait for an answer has ended
    });
    makeOwnCode(import.meta.dirname, process.env);
    return {
      dataDirectory: temporary.directory,
      controlToken: server.controlToken,
      describe: server.environment,
      refusedHosts: server.refusedHosts,
      close: async () => {
        await server.close();
        temporary.remove();
      },
    };
  } catch (error) {
    temporary.remove();
    throw error;
  }
}

/** The variables for clients of the instance; writes the trust files they name into the data directory. */
export async function environmentOf(
  instance: Pick<LiveInstance, 'dataDirectory' | 'controlToken' | 'describe'>,
  existing: Environment,
): Promise<Environment> {
  const described = await instance.describe();
  const clientsDirectory = join(instance.dataDirectory, clientDirectoryName);
  mkdirSync(clientsDirectory, { recursive: true, mode: 0o700 });
  const javaTrustStorePassword = passwordOf(join(clientsDirectory, 'trust-store-password'));
  const files = trustFiles({
    rootPem: described.caCertificate,
    ...optionalFile(
      'systemBundlePem',
      systemBundlePaths.find((path) => existsSync(path)),
    ),
    ...optionalFile('existingExtraPem', existing['NODE_EXTRA_CA_CERTS']),
    javaTrustStorePassword,
    wallClockMs: Date.now(),
  });
  const write = (name: string, content: string | Buffer): string => {
    const path = join(clientsDirectory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const variables = clientEnvironment({
    proxyUrl: `http://127.0.0.1:${described.proxyPort}`,
    localhostUri: `https://localhost:${described.kustoPort}`,
    controlUrl: `https://localhost:${described.port}`,
    controlToken: instance.controlToken,
    dataDirectory: instance.dataDirectory,
    tenantId: described.tenantId,
    subscriptionId: described.subscriptionId,
    clientId: described.clientId,
    clientSecret: described.clientSecret,
    ...(described.user === undefined ? {} : { user: described.user }),
    trust: {
      extraRootsFile: write('extra-roots.pem', files.extraRootsPem),
      bundleFile: write('bundle.pem', files.bundlePem),
      javaTrustStoreFile: write('trust-store.jks', files.javaTrustStore),
      javaTrustStorePassword,
    },
    azureConfigDirectory: join(clientsDirectory, 'azure'),
    existing,
  });
  return { ...variables, ...described.seeded, ...principalVariables(described.seededPrincipals ?? []) };
}

/** It protects public certificates only, but the format wants one; the same on every call, so that the file stays usable. */
function passwordOf(path: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const password = randomBytes(18).toString('base64url');
  writeFileSync(path, password, { mode: 0o600 });
  return password;
}

function optionalFile<Name extends string>(name: Name, path: string | undefined): Partial<Record<Name, string>> {
  if (path === undefined || !existsSync(path)) return {};
  return { [name]: readFileSync(path, 'utf8') } as Partial<Record<Name, string>>;
}

import { join, resolve } from 'node:path';
import type { AllowedHost } from '../http/allowed-hosts.ts';
import { GeoipDatabaseError } from '../kql/algorithms/geo/geoip-file.ts';
import { AllowedHostError, EdgeAddressError } from '../http/edge.ts';
import { EmptiedStateError } from '../server/emptied-state.ts';
import { OutsideVaultError } from '../server/outside-names.ts';
import type { ServerAddress, ServerSettings } from '../server/settings.ts';
import { LogFile, logFileName } from '../http/log-file.ts';
import { anyLoopbackPort, defaultKeySettings } from '../server/settings.ts';
import type { RunningServer } from '../server/start-server.ts';
import { RealTimeError, startServer } from '../server/start-server.ts';
import { RootKeyError } from '../state/root-key.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import type { RootKey } from '../state/root-key.ts';
import { SealedRecordError } from '../state/record-seal.ts';
import { AnchorError } from '../state/tree/anchor.ts';
import { StateRolledBackError } from '../state/tree/tree-state.ts';
import { ResealingError, WrongRootKeyError } from '../state/sealed/check-record.ts';
import { NotResealedError } from '../state/sealed/reseal.ts';
import { StateFormatTooOldError } from '../state/formats/state-formats.ts';
import { StateDamagedError, StateFormatError, StateLockedError } from '../state/sqlite/open-database.ts';
import {
  StateDatabaseError,
  StateFormatTooNewError,
  StateInUseError,
  StateLostError,
  StateOutcomeUnknownError,
} from '../state/postgres/postgres-errors.ts';
import { BlobsPlaceError } from '../server/blobs-owner.ts';
import { CloseLateError } from '../server/closing.ts';
import { BlobsUnavailableError } from '../storage/blob-store.ts';
import type { AskAccess } from '../storage/placed-blobs.ts';
import type { BlobPlace } from '../storage/places/blob-place.ts';
import { StatePlaceError } from '../server/state-place.ts';
import { StateMovedError } from '../server/move-marks.ts';
import { MoveError } from '../server/moving/move-error.ts';
import { StorageFullError } from '../base/storage-full.ts';
import type { GivenBy } from '../server/root-key-place.ts';
import type { StatePlace } from '../server/state-place.ts';
import type { OutsideVaultOption } from './outside-vault-option.ts';
import { builtScripts } from './built-scripts.ts';
import { requireOneMeaning } from './root-key-source.ts';
import { readOutsideVaults } from './outside-vault-option.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';
import { TelemetryError } from './telemetry/telemetry-settings.ts';
import type { StorageAccount } from '../cluster/messages/storage-account.ts';
import { UserError } from './user-error.ts';

export interface InstanceOptions {
  readonly dataDirectory: string;
  readonly virtualTime: boolean;
  /** Without it a file beside the data is used. */
  readonly rootKey: RootKey | undefined;
  readonly rootKeyBy?: GivenBy;
  /** Instead of a root key: the one that wraps it, in a vault outside. */
  readonly rootKeyVault?: VersionedKeyId | undefined;
  /** Instead of an old root key. */
  readonly oldRootKeyVault?: VersionedKeyId | undefined;
  /** While it is rotated. */
  readonly oldRootKey?: RootKey | undefined;
  readonly oldRootKeyBy?: GivenBy;
  readonly secondSubscription?: boolean;
  readonly allowedHosts?: readonly AllowedHost[];
  readonly listen?: ServerAddress;
  readonly proxy?: ServerAddress;
  readonly kusto?: ServerAddress;
  readonly localhostCluster?: string;
  readonly allowRemote?: boolean;
  readonly log?: ServerSettings['log'];
  readonly expectsCluster?: boolean;
  readonly seeds?: boolean;
  readonly clusterIdleMs?: number;
  readonly stopGraceMs?: number;
  readonly outsideVaults?: readonly OutsideVaultOption[];
  readonly storageAccounts?: readonly StorageAccount[];
  readonly keyRecheckSeconds?: number;
  /** Without it the environment may name one. */
  readonly geoipDatabase?: string;
  readonly stateAnchor?: string;
  readonly statePlace?: StatePlace;
  readonly onStandBy?: NonNullable<ServerSettings['onStandBy']>;
  readonly onUnready?: NonNullable<ServerSettings['onUnready']>;
  readonly stop?: AbortSignal;
  readonly advertise?: NonNullable<ServerSettings['advertise']>;
  readonly reads?: boolean;
  readonly blobs?: BlobPlace;
  readonly containerAccess?: AskAccess;
  readonly blobsCacheBytes?: number;
}

/** Starts a server in this process. What a user can mend becomes a UserError. */
export async function startInstance(options: InstanceOptions): Promise<RunningServer> {
  const { rootKey, oldRootKey, keyRecheckSeconds } = options;
  const { rootKeyVault, oldRootKeyVault } = options;
  requireOneMeaning({ rootKey, oldRootKey, rootKeyVault, oldRootKeyVault });
  const outsideVaults = readOutsideVaults(options.outsideVaults ?? [], process.env);
  const memoryDirectory = process.env['KUSTODY_MEMORY_DIRECTORY'];
  const geoipDatabase = options.geoipDatabase ?? process.env['KUSTODY_GEOIP_DATABASE'];
  try {
    const telemetry = await openTelemetry(process.env);
    return await startServer({
      dataDirectory: options.dataDirectory,
      listen: options.listen ?? anyLoopbackPort,
      proxy: options.proxy ?? anyLoopbackPort,
      kusto: options.kusto ?? anyLoopbackPort,
      ...(options.localhostCluster === undefined ? {} : { localhostCluster: options.localhostCluster }),
      allowRemote: options.allowRemote ?? false,
      allowedHosts: options.allowedHosts ?? [],
      virtualTime: options.virtualTime,
      secondSubscription: options.secondSubscription ?? false,
      expectsCluster: options.expectsCluster ?? false,
      seeds: options.seeds ?? false,
      ...(rootKey && { rootKey, ...(options.rootKeyBy && { rootKeyBy: options.rootKeyBy }) }),
      ...(oldRootKey && { oldRootKey, ...(options.oldRootKeyBy && { oldRootKeyBy: options.oldRootKeyBy }) }),
      ...(rootKeyVault === undefined ? {} : { rootKeyVault }),
      ...(oldRootKeyVault === undefined ? {} : { oldRootKeyVault }),
      ...(memoryDirectory ? { memoryDirectory: resolve(memoryDirectory) } : {}),
      ...(geoipDatabase ? { geoipDatabase: resolve(geoipDatabase) } : {}),
      ...(options.stateAnchor === undefined ? {} : { stateAnchor: options.stateAnchor }),
      ...(options.statePlace === undefined ? {} : { statePlace: options.statePlace }),
      ...(options.onStandBy === undefined ? {} : { onStandBy: options.onStandBy }),
      ...(options.onUnready === undefined ? {} : { onUnready: options.onUnready }),
      ...(options.stop === undefined ? {} : { stop: options.stop }),
      ...(options.advertise === undefined ? {} : { advertise: options.advertise }),
      reads: options.reads ?? false,
      ...(options.blobs === undefined ? {} : { blobs: options.blobs }),
      ...(options.containerAccess === undefined ? {} : { containerAccess: options.containerAccess }),
      ...(options.blobsCacheBytes === undefined ? {} : { blobsCacheBytes: options.blobsCacheBytes }),
      outsideVaults,
      storageAccounts: options.storageAccounts ?? [],
      keys: { ...defaultKeySettings, ...(keyRecheckSeconds === undefined ? {} : { keyRecheckSeconds }) },
      ...(options.stopGraceMs === undefined ? {} : { stopGraceMs: options.stopGraceMs }),
      ...(options.clusterIdleMs === undefined ? {} : { clusterIdleMs: options.clusterIdleMs }),
      log: logOf(options),
      ...(telemetry && { telemetry }),
      backUp: async (...asked) => (await import('../server/moving/back-up-running.ts')).backUpRunning(...asked),
      scripts: builtScripts(import.meta.dirname, process.env),
    });
  } catch (error) {
    throw explain(error, options);
  }
}

/** Lines go to a file in the data directory, which `kustody logs` reads, and to where the caller wants them besides. */
function logOf({ dataDirectory, log }: InstanceOptions): ServerSettings['log'] {
  const file = new LogFile(join(dataDirectory, logFileName));
  if (log === undefined || log.level === 'silent') return { level: 'info', destination: file };
  const write = (line: string): void => {
    log.destination.write(line);
    file.write(line);
  };
  return { level: log.level, destination: { write } };
}

export function explain(error: unknown, options: Pick<InstanceOptions, 'dataDirectory'>): unknown {
  if (error instanceof StateLockedError) {
    return new UserError(error.message, `Join it with 'kustody run --data ${options.dataDirectory} -- COMMAND'.`);
  }
  if (error instanceof AllowedHostError) {
    return new UserError(error.message, `Leave out '--allow ${error.host}'.`);
  }
  if (error instanceof RealTimeError)
    return new UserError(error.message, 'Leave out --virtual-time, or give a new directory with --data.');
  if (error instanceof EdgeAddressError)
    return new UserError(
      error.message,
      'Give --allow-remote if other machines are to reach it: whoever does gets at everything.',
    );
  if (error instanceof GeoipDatabaseError) {
    return new UserError(
      `The GeoIP database: ${error.message}`,
      'Give a city database in MMDB format with --geoip-database or KUSTODY_GEOIP_DATABASE.',
    );
  }
  if (error instanceof StateRolledBackError)
    return new UserError(error.message, "If that is right (a backup was put back), run 'kustody state accept'.");
  if (
    error instanceof StateFormatError ||
    error instanceof StateDamagedError ||
    error instanceof StateDatabaseError ||
    error instanceof StateFormatTooNewError ||
    error instanceof StateFormatTooOldError ||
    error instanceof StateInUseError ||
    error instanceof StateLostError ||
    error instanceof StateOutcomeUnknownError ||
    error instanceof StatePlaceError ||
    error instanceof TelemetryError ||
    error instanceof CloseLateError ||
    error instanceof StateMovedError ||
    error instanceof MoveError ||
    error instanceof StorageFullError ||
    error instanceof BlobsPlaceError ||
    error instanceof BlobsUnavailableError ||
    error instanceof EmptiedStateError ||
    error instanceof SealedRecordError ||
    error instanceof AnchorError ||
    error instanceof WrongRootKeyError ||
    error instanceof ResealingError ||
    error instanceof NotResealedError ||
    error instanceof RootKeyError ||
    error instanceof OutsideVaultError
  ) {
    return new UserError(error.message);
  }
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    const port = error instanceof Error && 'port' in error ? ` ${String(error.port)}` : '';
    return new UserError(
      `Port${port} is in use by another program.`,
      'Give another one with --port, --kusto-port or --proxy-port.',
    );
  }
  if (code === 'EACCES' && error instanceof Error && 'port' in error) {
    return new UserError('This port needs administrator rights.', 'Give one above 1023 with --port.');
  }
  return error;
}

import { existsSync, readdirSync, realpathSync, rmdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { formatKeyId, parseVersionedKeyId } from '../base/key-id.ts';
import { systemRandomBytes } from '../base/random.ts';
import { instant } from '../clock/clock.ts';
import { LogFile, logFileName } from '../http/log-file.ts';
import type { Log } from '../http/logging.ts';
import { createLog } from '../http/logging.ts';
import type { BackupManifest } from '../server/moving/backup-manifest.ts';
import { backUp, restore as restoreFrom } from '../server/moving/backup.ts';
import { findBackedUp, withoutRootKey } from '../server/moving/backup-root-key.ts';
import type { ClusterRestoreSettings } from '../server/moving/cluster-restore.ts';
import { restoreCluster } from '../server/moving/cluster-restore.ts';
import type { RewrapSettings } from '../server/moving/cluster-rewrap.ts';
import { rewrapBackup } from '../server/moving/cluster-rewrap.ts';
import { rootKeyFileName } from '../server/data-directory-names.ts';
import type { RewrappedCopy } from '../server/rewrap-routes.ts';
import type { MoveEnd } from '../server/moving/move-end.ts';
import { endName } from '../server/moving/move-end.ts';
import type { WrappedForCommands } from '../server/root-key-routes.ts';
import type { FoundWrapped, KeyPlace } from '../server/wrapped-root-key.ts';
import { inVaultOnly, wrappedRecord, wrapperOf } from '../server/wrapped-root-key.ts';
import type { RootKey } from '../state/root-key.ts';
import { openRootKeyFile, RootKeyError } from '../state/root-key.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import type { BlobsOptions, CredentialSource } from './blobs-place.ts';
import { blobsPlaceOf } from './blobs-place.ts';
import { isDataDirectory, prepareDataDirectory } from './data-directory.ts';
import type { BackupRun } from '../server/backup-routes.ts';
import type { ControlClient } from './control-client.ts';
import { findInstance, requireInstance } from './control-client.ts';
import { explain } from './instance.ts';
import { dataDirectoryOf } from './options.ts';
import type { RootKeyOptions } from './root-key-options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { stoppedRootKeys } from './stopped-root-keys.ts';
import { statePlaceOf } from './state-place.ts';
import { UserError } from './user-error.ts';
import { startWaiting } from './waiting.ts';

interface Common extends RootKeyOptions {
  readonly json: boolean;
}

export interface BackupOptions extends Common, BlobsOptions {
  readonly data?: string;
  readonly state?: PostgresAddress;
  readonly statePasswordFd?: number;
  readonly to: string;
  readonly cluster?: string;
}

export interface RestoreOptions extends Common {
  readonly from: string;
  readonly to: string;
  readonly toState?: PostgresAddress;
  readonly toStatePasswordFd?: number;
  readonly toBlobs?: string;
  readonly toBlobsCredential?: CredentialSource;
  readonly acceptRollback: boolean;
  readonly cluster?: string;
}

const now = () => instant(Date.now());

/** @throws UserError */
export async function backup(rootKeys: RootKeySource, options: BackupOptions): Promise<void> {
  const directory = knownDirectory(dataDirectoryOf(options));
  const running = await findInstance(directory);
  if (running !== undefined) {
    rootKeys.take(options.rootKeyFd)?.close(); // the instance has it
    printBackup(options, await backUpRunning(running, options));
    return;
  }
  const statePlace = statePlaceOf(options);
  const from: MoveEnd = {
    ...{ dataDirectory: directory, ...(statePlace && { statePlace }) },
    ...(await blobsPlaceOf(options, process.env)),
  };
  const to = { dataDirectory: resolve(options.to) };
  const { cluster } = options;
  const prepare = (): void => void prepareDataDirectory(to.dataDirectory);
  const manifest = await explained('backing up', directory, () =>
    withRootKey(rootKeys, options, from, (rootKey) =>
      backUp({
        ...{ from, to, now, prepare, ...(rootKey && { rootKey }), ...(cluster !== undefined && { cluster }) },
        ...(options.rootKeyVault && { rootKeyVault: options.rootKeyVault }),
      }),
    ),
  );
  printBackup(options, { to: to.dataDirectory, manifest });
}

function printBackup(
  options: BackupOptions,
  { to, manifest }: { readonly to: string; readonly manifest: BackupManifest },
): void {
  const heads = [`Backed up ${manifest.source}`, `to ${to}:`];
  const tail =
    manifest.cluster === undefined
      ? instanceTail(manifest)
      : 'Neither the root key nor that key is in it. Without them no row of it opens.';
  print(options, { to, ...manifest }, [...heads, ...lines(manifest), tail]);
}

const instanceTail = ({ rootKeyKid }: BackupManifest): string =>
  rootKeyKid === undefined
    ? 'The root key is not in it: keep it elsewhere. With the root key it opens what it held then.'
    : 'The root key is in it as that key version has wrapped it: it opens what it held then with the use of that version alone.';

const askAgainMs = 100;

/** The instance copies itself. What is refused leaves no new directory behind. */
async function backUpRunning(
  instance: ControlClient,
  { to: named, cluster }: BackupOptions,
): Promise<{ readonly to: string; readonly manifest: BackupManifest }> {
  const path = resolve(named);
  const isNew = !existsSync(path);
  const to = realpathSync(prepareDataDirectory(path));
  const waiting = startWaiting();
  try {
    // Both ends are of this package.
    let run = (await instance.call('POST', '/backup', { to, ...(cluster !== undefined && { cluster }) })) as BackupRun;
    waiting.begin(() => `backing up, ${run.phase ?? 'beginning'}${run.done === undefined ? '' : ` ${run.done}`}`);
    while (run.manifest === undefined && run.failure === undefined) {
      await pause(askAgainMs);
      run = (await instance.call('GET', '/backup')) as BackupRun;
    }
    if (run.manifest === undefined) throw new UserError(run.failure ?? '');
    return { to, manifest: run.manifest as BackupManifest };
  } catch (error) {
    if (isNew && readdirSync(to).length === 0) rmdirSync(to);
    throw error;
  } finally {
    waiting.end();
  }
}

/** @throws UserError */
export async function rewrap(rootKeys: RootKeySource, options: BackupOptions): Promise<void> {
  const { cluster, rootKeyVault } = options;
  if (cluster === undefined)
    throw new UserError(
      'Only the backup of a cluster is moved to another version of its key.',
      'Name it by --cluster.',
    );
  const instance = await requireInstance(dataDirectoryOf(options));
  const to = { dataDirectory: knownDirectory(resolve(options.to)) };
  const ask: RewrapSettings['ask'] = async ({ clusterId, name }, { kid, wrapped, check }) => {
    const body = { kid: formatKeyId(kid), wrapped, check, place: `${to.dataDirectory} (cluster ${name})` };
    // Both ends are of this package.
    return (await instance.call('POST', `/clusters/${clusterId}/rewrap-copy`, body)) as RewrappedCopy;
  };
  const rootKeyKid = rootKeyVault && formatKeyId(rootKeyVault);
  const at = { dataDirectory: instance.dataDirectory, find: () => wrappedOf(instance) };
  const { manifest, before } = await explained('wrapping anew', to.dataDirectory, () =>
    withRootKey(rootKeys, options, at, async (given) => {
      const rootKey = given ?? (await besideRunning(instance));
      const settings = { to, cluster, rootKey, ask, ...(rootKeyKid !== undefined && { rootKeyKid }) };
      return rewrapBackup(settings).finally(() => rootKey.close());
    }),
  );
  const head =
    before === undefined
      ? `The backup in ${to.dataDirectory} is under the version of now:`
      : `Moved the backup in ${to.dataDirectory} from ${before}:`;
  print(options, { to: to.dataDirectory, before: before ?? null, ...manifest }, [head, ...lines(manifest)]);
}

/** The root key of an instance that runs, which has its state locked. */
async function wrappedOf(instance: ControlClient): Promise<FoundWrapped> {
  // Both ends are of this package.
  const { kid: by, wrapped } = (await instance.call('GET', '/root-key/wrapped')) as WrappedForCommands;
  const kid = parseVersionedKeyId(by ?? '');
  if (kid === undefined || wrapped === undefined) return { record: undefined, isSealed: true };
  return { record: wrappedRecord({ kid, wrapped: Buffer.from(wrapped, 'base64url') }), isSealed: true };
}

/** @throws UserError, RootKeyError where it is kept elsewhere */
async function besideRunning(instance: ControlClient): Promise<RootKey> {
  const { dataDirectory } = instance;
  const path = join(dataDirectory, rootKeyFileName);
  if (existsSync(path)) return openRootKeyFile(path, systemRandomBytes);
  const { record } = await wrappedOf(instance);
  if (record !== undefined) throw new RootKeyError(inVaultOnly(dataDirectory, wrapperOf(record)));
  throw new UserError(
    'A backup opens with the root key of its instance, and there is none.',
    'Give it in KUSTODY_ROOT_KEY or by --root-key-fd.',
  );
}

/** @throws UserError */
export async function restore(rootKeys: RootKeySource, options: RestoreOptions): Promise<void> {
  const from = { dataDirectory: knownDirectory(resolve(options.from)) };
  const { toState: state, toStatePasswordFd: statePasswordFd, toBlobs: blobs, toBlobsCredential } = options;
  const statePlace = statePlaceOf({
    ...(state && { state }),
    ...(statePasswordFd !== undefined && { statePasswordFd }),
  });
  const place = {
    ...(blobs !== undefined && { blobs }),
    ...(toBlobsCredential && { blobsCredential: toBlobsCredential }),
  };
  const to: MoveEnd = {
    ...{ dataDirectory: resolve(options.to), ...(statePlace && { statePlace }) },
    ...(await blobsPlaceOf(place, process.env)),
  };
  const { acceptRollback: acceptsRollback, cluster } = options;
  if (cluster !== undefined) return setBack(rootKeys, options, { from, to, cluster });
  const prepare = (): void => void prepareDataDirectory(to.dataDirectory);
  // A directory that is to be made has no log yet.
  const log = logIn(isDataDirectory(to.dataDirectory) ? to.dataDirectory : from.dataDirectory);
  const inBackup = { ...from, find: () => findBackedUp(from.dataDirectory) };
  const { manifest } = await explained('restoring', from.dataDirectory, () =>
    withRootKey(rootKeys, options, inBackup, async (rootKey) => {
      if (rootKey === undefined) throw await withoutRootKey(from.dataDirectory);
      return restoreFrom({ from, to, rootKey, acceptsRollback, log, now, prepare });
    }),
  );
  const heads = [`Restored ${manifest.source}, as of ${manifest.takenOn},`, `to ${endName(to)}:`];
  const tail = `The root key is not beside it${manifest.rootKeyKid === undefined ? '' : ', but wrapped in its state'}: give it to each start, as you did now.`;
  print(options, { to: endName(to), ...manifest }, [...heads, ...lines(manifest), tail]);
}

async function setBack(
  rootKeys: RootKeySource,
  options: RestoreOptions,
  ends: Pick<ClusterRestoreSettings, 'from' | 'to' | 'cluster'>,
): Promise<void> {
  const to = { ...ends.to, dataDirectory: knownDirectory(ends.to.dataDirectory) };
  const log = logIn(to.dataDirectory);
  const settings = { ...ends, to, acceptsRollback: options.acceptRollback, log, now };
  const { manifest, kept } = await explained('restoring', ends.from.dataDirectory, () =>
    withRootKey(rootKeys, options, to, (rootKey) => restoreCluster({ ...settings, ...(rootKey && { rootKey }) })),
  );
  const heads = [`Set the cluster ${ends.cluster} of ${endName(to)} back to ${manifest.takenOn}:`];
  const tail = [
    `  kept     who may read or do what now, of ${kept.databases} databases, ${kept.tables} tables and ${kept.settings} settings of the cluster`,
    'Vaults, keys, roles and suspensions are those of now: it answers once that key opens it.',
  ];
  print(options, { to: endName(to), ...manifest, kept }, [...heads, ...lines(manifest), ...tail]);
}

/** The log of a data directory, which `kustody logs` reads. */
const logIn = (dataDirectory: string): Log =>
  createLog({ level: 'info', destination: new LogFile(join(dataDirectory, logFileName)), wallClock: now });

function knownDirectory(directory: string): string {
  if (!isDataDirectory(directory)) throw new UserError(`${directory} holds nothing of Kustody.`);
  return realpathSync(directory);
}

/** @param at where the root key lies that a vault has wrapped */
async function withRootKey<T>(
  rootKeys: RootKeySource,
  options: RootKeyOptions,
  at: KeyPlace,
  work: (rootKey: RootKey | undefined) => Promise<T>,
): Promise<T> {
  const { rootKey, close } = await stoppedRootKeys(rootKeys, options, at);
  return work(rootKey).finally(close);
}

async function explained<T>(what: string, dataDirectory: string, work: () => Promise<T>): Promise<T> {
  const waiting = startWaiting();
  waiting.begin(what);
  try {
    return await work();
  } catch (error) {
    throw explain(error, { dataDirectory });
  } finally {
    waiting.end();
  }
}

const lines = ({ records, blobs, cluster, rootKeyKid }: BackupManifest): readonly string[] => [
  ...(cluster === undefined ? [] : [`  cluster  ${cluster.name}`, `  needs    ${cluster.kid}`]),
  `  records  ${records.records} (${records.bytes} bytes, SHA-256 of all ${records.digest})`,
  `  extents  ${blobs.blobs} sealed blobs (${blobs.bytes} bytes)`,
  ...(rootKeyKid === undefined ? [] : [`  root key wrapped by ${rootKeyKid}`]),
];

function print({ json }: Common, value: unknown, text: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${text.join('\n')}\n`);
}

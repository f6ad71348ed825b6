import type { Guid } from '../../base/guid.ts';
import { machineTime } from '../../clock/host-time.ts';
import type { RootKey } from '../../state/root-key.ts';
import { isSealed } from '../../state/sealed/check-record.ts';
import type { StateStore } from '../../state/state-store.ts';
import { blobsPlaceId, blobsPlaceTable, openBlobsPlace } from '../blobs-owner.ts';
import type { Instance } from '../instance.ts';
import { readInstance } from '../instance.ts';
import { rootKeyBeside } from '../root-key-beside.ts';
import type { OpenedStore, ServingPorts } from '../state-place.ts';
import { openStore } from '../state-place.ts';
import { clustersIn, withState } from './held-state.ts';
import type { MoveEnd } from './move-end.ts';
import { MoveError } from './move-error.ts';

/** What is copied, and what opens it: without a key the file beside the data. */
interface Source {
  readonly from: MoveEnd;
  readonly rootKey?: RootKey;
}

/** Locks what nobody serves, and keeps it. @param mayOpen as of `openStore` */
export async function openHeld(
  { from, rootKey }: Source,
  mayOpen: (store: StateStore, name: string) => Promise<void>,
): Promise<{ readonly opened: OpenedStore; readonly close: () => Promise<void> }> {
  const opened = await openStore({ ...from, ...(rootKey && { rootKey }) }, undefined, asServing(from), mayOpen);
  const stopBeating = keepBeating(opened);
  const close = async (): Promise<void> => {
    stopBeating();
    await opened.close();
  };
  return { opened, close };
}

/** As one that serves it: it waits until whoever served last may answer no more. */
const asServing = ({ blobs }: MoveEnd): ServingPorts => ({
  ...{ monotonicMs: () => machineTime.monotonic(), waits: () => undefined },
  hasBlobsElsewhere: blobs !== undefined,
});

const beatMs = 1_000;

/** Whoever stands by for the state waits until it is moved. A state that was lost meanwhile says so where it is used next. */
function keepBeating({ beat }: OpenedStore): () => void {
  if (beat === undefined) return () => undefined;
  const timer = setInterval(() => void beat().catch(() => undefined), beatMs);
  return () => clearInterval(timer);
}

export const anyState = (): Promise<void> => Promise.resolve();

/** @throws MoveError */
export async function requireState(store: StateStore, { dataDirectory }: MoveEnd): Promise<void> {
  if (!(await isSealed(store))) throw new MoveError(`${dataDirectory} holds no state yet: there is nothing to copy.`);
}

export interface OpenedSource {
  readonly instance: Instance;
  readonly rootKey: RootKey;
  /** Clusters, each with a part of the place of blobs for itself. */
  readonly owners: readonly Guid[];
}

/** What a start would look at: the root key opens it, its digests are right, its extents are where they are said to be. */
export async function openSource({ from, rootKey: given }: Source, source: StateStore): Promise<OpenedSource> {
  const rootKey = given ?? (await rootKeyBeside(source, from.dataDirectory));
  const instance = await withState(source, rootKey, async (sealed) => {
    const found = await readInstance(sealed);
    if (found === undefined) throw new MoveError(`${from.dataDirectory} holds no instance yet: start it once.`);
    if (from.blobs !== undefined && (await sealed.get(blobsPlaceTable, blobsPlaceId)) === undefined)
      throw new MoveError(`The sealed extents of ${from.dataDirectory} are in the directory, not in a container.`);
    await openBlobsPlace(sealed, found, from);
    return found;
  });
  return { instance, rootKey, owners: await clustersIn(source) };
}

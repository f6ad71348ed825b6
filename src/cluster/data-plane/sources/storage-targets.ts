import type { BlockBlobClient } from '@azure/storage-blob';
import { newGuid } from '../../../base/new-guid.ts';
import type { RandomBytes } from '../../../base/random.ts';
import type { ExportTarget, NewBlob, TargetOf } from '../../../database/exports/export-target.ts';
import type { StorageUse } from '../../../database/ingest/data-source.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import type { StorageAccount } from '../../messages/storage-account.ts';
import type { ProofOf } from './identity-tokens.ts';
import { createSourceClient } from './pinned-requests.ts';
import type { SourceAddress } from './source-address.ts';
import { notWritten, readSourceAddress } from './source-address.ts';
import { addressesOf, storageClient } from './storage-client.ts';
import { explain } from './storage-failures.ts';

export interface StorageTargetParts {
  readonly accounts: readonly StorageAccount[];
  readonly call: CallMain;
  readonly proofOf: ProofOf;
  readonly randomBytes: RandomBytes;
  /** Before anything leaves. @throws when the cluster may not use its key */
  readonly requireLease: () => Promise<void>;
}

/** Writes blobs of accounts that the user mapped, and of storage on hosts that were let through; nowhere else. */
export function createStorageTargets(parts: StorageTargetParts): TargetOf {
  return (text, use) => {
    const address = readSourceAddress(text, parts.accounts, notWritten);
    const refuse = (why: string): Error => notWritten(address.name, why);
    if (!address.isStorage) throw refuse('it is not Azure Storage.');
    if (address.container === '') throw refuse('it names no container.');
    if (address.credential.kind === 'none' && !address.url.searchParams.has('sig'))
      throw refuse('it has neither a shared access signature nor an account key nor a managed identity.');
    return { name: address.name, container: address.containerUrl, create: createIn(parts, address, use) };
  };
}

const createIn =
  (parts: StorageTargetParts, address: SourceAddress, use: StorageUse): ExportTarget['create'] =>
  async (name, signal) => {
    const whole = address.folder === '' ? name : `${address.folder}/${name}`;
    // Names that people read are as they are written; what is asked is encoded by the SDK.
    const place: Pick<SourceAddress, 'name' | 'url'> = {
      name: `${address.name.replace(/\/+$/, '')}/${name}`,
      url: address.containerAt,
    };
    const guarded = async (work: () => Promise<unknown>): Promise<void> => {
      signal.throwIfAborted();
      await parts.requireLease();
      try {
        await work();
      } catch (error) {
        throw explain(error, place, signal, notLeft);
      }
    };
    const addresses = address.isMapped
      ? undefined
      : await addressesOf({ name: address.name, url: address.containerAt }, parts.call, notWritten);
    const { ContainerClient } = await import('@azure/storage-blob');
    const { shared, options } = await storageClient(
      await parts.proofOf(address, use),
      createSourceClient(address.containerAt.origin, addresses),
    );
    const blob = new ContainerClient(address.containerAt.href, shared, options).getBlockBlobClient(whole);
    return inBlocks(blob, place.name, parts.randomBytes, signal, guarded);
  };

/** Nobody sees blocks before they are listed, and storage drops those that never are. */
function inBlocks(
  blob: BlockBlobClient,
  path: string,
  randomBytes: RandomBytes,
  signal: AbortSignal,
  guarded: (work: () => Promise<unknown>) => Promise<void>,
): NewBlob {
  const blocks: string[] = [];
  const prefix = newGuid(randomBytes);
  return {
    path,
    write: (piece) =>
      guarded(async () => {
        const id = Buffer.from(`${prefix}-${String(blocks.length).padStart(6, '0')}`).toString('base64');
        await blob.stageBlock(id, piece, piece.byteLength, { abortSignal: signal });
        blocks.push(id);
      }),
    finish: () =>
      guarded(() => blob.commitBlockList(blocks, { abortSignal: signal, conditions: { ifNoneMatch: '*' } })),
  };
}

const notLeft = (name: string, why: string): string => `Failed to write '${name}': ${why}.`;

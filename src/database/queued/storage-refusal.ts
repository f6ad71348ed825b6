/** What the storage accounts of a cluster refuse, by the names that Azure Storage has for it. The wire layer has status and text of each.
 * @see Azure Storage "Blob service error codes", "Queue service error codes", "Table service error codes" */
export type StorageRefusalCode =
  | 'BlobNotFound'
  | 'EntityAlreadyExists'
  | 'InvalidBlockId'
  | 'InvalidBlockList'
  | 'MessageNotFound'
  | 'MessageTooLarge'
  | 'PopReceiptMismatch'
  | 'ResourceNotFound'
  | 'ServerBusy';

export class StorageRefusal extends Error {
  override readonly name = 'StorageRefusal';
  constructor(readonly code: StorageRefusalCode) {
    super(code);
  }
}

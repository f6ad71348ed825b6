import type { ContainerAccess } from '../../storage/placed-blobs.ts';

/** What a cluster process is told that asks for access to the container of its extents. Never logged. */
export type AccessAnswer =
  | { readonly outcome: 'access'; readonly access: ContainerAccess }
  /** @see BlobsUnavailableError */
  | { readonly outcome: 'unavailable'; readonly why: string };

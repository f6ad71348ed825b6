import type { Caller } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import type { CollectionOperation } from '../objects/operation.ts';
import type { VaultSettings } from '../vault-directory.ts';

/** A request whose token is good and whose operation is known. */
export interface VaultCall {
  readonly operation: CollectionOperation;
  readonly vault: VaultSettings;
  readonly caller: Caller;
  /** The server itself asks: nobody else gets tokens of that principal. */
  readonly isOurOwn: boolean;
  readonly clientAddress: string;
  readonly requestId: Guid;
  readonly correlationId: Guid;
  readonly apiVersion: string;
  readonly query: ReadonlyMap<string, string>;
  /** As sent. */
  readonly name: string | undefined;
  readonly issuer: string | undefined;
  readonly version: string | undefined;
  readonly body: Buffer | undefined;
  readonly accept?: string | undefined;
  readonly clientInfo?: string | undefined;
  /** Since the request came. */
  readonly elapsedMs: () => number;
  /** Whoever asks for the caller has decided that it may: neither firewall nor permissions of the vault are asked. */
  readonly permitted?: true;
}

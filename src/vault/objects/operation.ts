import type { Caller } from '../../authz/caller.ts';
import type { JsonObject } from '../../base/json.ts';
import type { ObjectName } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Soon } from '../../base/soon.ts';
import type { Clock } from '../../clock/clock.ts';
import type { State, StateExpectation, StateWrite } from '../../state/state.ts';
import type { LimitCost } from '../limits.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import type { PrivateKeyCache } from '../material/private-keys.ts';
import type { RsaKeyPool } from '../rsa/rsa-keys.ts';
import type { RsaThreads } from '../rsa/rsa-threads.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { Deletions } from './deletions.ts';
import type { Retention } from './retention.ts';

/** What a vault holds, by the first segment of paths; access policies and data actions use the same words. */
export type Collection = 'keys' | 'secrets' | 'certificates';

export interface VaultServices {
  readonly state: State;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly keyPool: RsaKeyPool;
  readonly privateKeys: PrivateKeyCache;
  readonly rsaThreads: RsaThreads;
  readonly retention: Retention;
  readonly deletions: Deletions;
  /** Hears when something of a key is due. */
  readonly rotation: Pick<Retention, 'expectAt'>;
  /** The same for certificates. */
  readonly lifetimes: Pick<Retention, 'expectAt'>;
  /** Leaves no deleted value behind on disk. */
  readonly compact: () => Promise<void>;
}

/** A request after routing, authentication and authorization. */
export interface VaultRequest {
  readonly vault: VaultSettings;
  readonly caller: Caller;
  /** The server itself asks. */
  readonly isOurOwn: boolean;
  readonly apiVersion: string;
  /** Names lower case. */
  readonly query: ReadonlyMap<string, string>;
  /** Set on paths with `{name}`; it has been checked. */
  readonly name: ObjectName | undefined;
  /** Of paths with `{issuer}`, as sent. */
  readonly issuer: string | undefined;
  /** As sent; undefined means the current version. */
  readonly version: string | undefined;
  readonly body: Buffer | undefined;
  /** Media types that the client takes, as sent. */
  readonly accept?: string | undefined;
  /** The new key of a create: taken once, however often the operation starts anew after a conflict. */
  readonly newKey: (make: () => Promise<KeyPair>) => Promise<KeyPair>;
}

/** What an operation wants committed and answered. */
export interface VaultOutcome {
  readonly status: 200 | 201 | 202 | 204;
  readonly body?: JsonObject;
  /** Answered instead of a body: JSON, or what `content-type` among the headers says. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answered as `{"kid","value"}` instead of a body; overwritten by whoever sends or drops it. */
  readonly secret?: Buffer;
  /** Of the object, with its version: for the audit record and the secret. */
  readonly id?: string;
  readonly expect?: readonly StateExpectation[];
  readonly write?: readonly StateWrite[];
  /** Done after the commit and before the answer. */
  readonly committed?: () => void | Promise<void>;
}

export interface VaultOperation {
  /** As in the official API description. */
  readonly id: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Lower-case literals match without case; `{version}` may be left out or empty where `latest` is true. */
  readonly path: string;
  readonly latest?: true;
  /** Of access policies, among those for the operation's collection. */
  readonly permission: string;
  /** Data action of roles, after `Microsoft.KeyVault/vaults/`. */
  readonly dataAction: string;
  /** Another data action that is enough: who may read a public key can wrap with it anyway. */
  readonly orDataAction?: string;
  /** What it takes of the limits of its vault. Missing: as much as anything that is no work with a key. */
  readonly cost?: (services: VaultServices, request: VaultRequest) => Promise<LimitCost>;
  /** Missing: not built, refused by name. */
  readonly handle?: (services: VaultServices, request: VaultRequest) => Soon<VaultOutcome>;
}

/** One row of dispatch. */
export type CollectionOperation = VaultOperation & { readonly collection: Collection };

import type { Agent } from 'node:https';
import type { KeyVaultManagementClient } from '@azure/arm-keyvault';
import type { KustoManagementClient } from '@azure/arm-kusto';
import type { ResourceManagementClient } from '@azure/arm-resources';
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import type { Client as KustoClient } from 'azure-kusto-data';
import type { StreamingIngestClient } from 'azure-kusto-ingest';

export interface StartOptions {
  /** Makes a resource group, a vault with a key, a cluster and a database. `true` takes the defaults. */
  readonly cluster?: boolean | ClusterOptions;
  /** Makes a second subscription in the tenant. */
  readonly secondSubscription?: boolean;
  /** How often a key is checked again, 1 to 300 seconds on the instance's clock and in real time; default 30. What Kustody changes
   * itself is checked at once. */
  readonly keyRecheckSeconds?: number;
  /** A file of your own for `geo_info_from_ip_address()`: a city database in MMDB format, such as GeoLite2 City. */
  readonly geoipDatabase?: string;
}

export interface ClusterOptions {
  /** Default `kustody`. */
  readonly name?: string;
  /** Default `eastus`. */
  readonly region?: string;
  /** Default `db`. */
  readonly database?: string;
  /** `customer` (default): under an RSA key in a vault of its own; `microsoftManaged`: without one. */
  readonly key?: 'customer' | 'microsoftManaged';
  /** A directory whose `.kql` files are run and whose `.csv`, `.json` and `.parquet` files are taken in, in the order of their names. With
   * a `kustody.yaml` in it, that says what there is, and no other option does. */
  readonly seed?: string;
}

export interface TestCluster {
  readonly uri: string;
  readonly database: string;
}

/** The key of a cluster under a customer's key. */
export interface CustomerKey {
  readonly vaultUri: string;
  readonly keyName: string;
}

/** What `startKustody` gives for these options: a cluster is there exactly when it was asked for, and so is its key, unless a
 * `kustody.yaml` may say that it has none. */
export type Started<Options extends StartOptions> = Omit<Kustody, 'cluster'> &
  (Options extends { readonly cluster: { readonly key: 'microsoftManaged' } }
    ? { readonly cluster: TestCluster }
    : Options extends { readonly cluster: { readonly seed: string } }
      ? { readonly cluster: TestCluster & Partial<CustomerKey> }
      : Options extends { readonly cluster: true | ClusterOptions }
        ? { readonly cluster: TestCluster & CustomerKey }
        : Pick<Kustody, 'cluster'>);

/** Clients of the official SDKs, ready to use, signed in as the owner of the subscription. Each needs its own package beside kustody, and
 * says so when it is missing. */
export interface Clients {
  /** `azure-kusto-data`, with the cluster's database as the default one. */
  kustoClient(): Promise<KustoClient>;
  /** `azure-kusto-ingest`. @throws Error for kinds that are not built: managed and queued */
  ingestClient(options?: IngestOptions): Promise<StreamingIngestClient>;
  /** `@azure/keyvault-keys`. @param vaultUri default: the vault of the cluster's key */
  keyClient(vaultUri?: string): Promise<KeyClient>;
  /** `@azure/keyvault-keys`. @param key its identifier; default: the cluster's key, in its newest version */
  cryptographyClient(key?: string): Promise<CryptographyClient>;
  /** `@azure/arm-kusto`. */
  kustoManagementClient(): Promise<KustoManagementClient>;
  /** `@azure/arm-keyvault`. */
  keyVaultManagementClient(): Promise<KeyVaultManagementClient>;
  /** `@azure/arm-resources`. */
  resourceManagementClient(): Promise<ResourceManagementClient>;
  /** Points a client of your own here, in place: one of an `@azure/*` package, of `azure-kusto-data`, or for streaming of
   * `azure-kusto-ingest`. It is signed in as the owner of the subscription, whatever credential it was made with. Of the options of an
   * `@azure/*` client it makes ones that lead here.
   * @throws TypeError for anything else */
  use<T extends object>(client: T): Promise<T>;
}

export interface IngestOptions {
  /** Default `streaming`; the others are refused. */
  readonly kind?: 'streaming' | 'managed' | 'queued';
  /** Default: that of the cluster. */
  readonly database?: string;
  readonly table?: string;
  /** As `DataFormat` of `azure-kusto-ingest` has them, such as `csv` and `json`. */
  readonly format?: string;
  /** Name of an ingestion mapping. */
  readonly mapping?: string;
}

/** Somebody of `kustody.yaml`. */
export interface TestPrincipal {
  readonly type: 'User' | 'Group' | 'ServicePrincipal';
  readonly objectId: string;
  /** Of a service principal or managed identity. */
  readonly clientId?: string;
  /** Of a service principal. */
  readonly clientSecret?: string;
  /** Of a user. */
  readonly userPrincipalName?: string;
  /** Of a user, unless `passwordFrom` names it. */
  readonly password?: string;
  /** For any `@azure/*` client: of those who sign in with a password or a client secret. */
  readonly credential?: TokenCredential;
}

/** A running Kustody of one test file. Nothing is shared between two of them. */
export interface Kustody extends Clients {
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The service principal that owns the subscription. */
  readonly clientId: string;
  readonly clientSecret: string;
  readonly objectId: string;
  readonly endpoints: {
    readonly authority: string;
    readonly resourceManager: string;
    /** `https://localhost:{port}`: the control API. */
    readonly control: string;
    /** `https://localhost:{port}`: the only cluster, for clients that can go nowhere else. */
    readonly localhostCluster: string;
    /** `http://127.0.0.1:{port}`: the forward proxy. */
    readonly proxy: string;
  };
  /** PEM of the root certificate that all hosts are under. */
  readonly ca: string;
  /** Spread into the options of any `@azure/*` client or credential: `new KeyClient(url, credential, k.azureOptions)`. */
  readonly azureOptions: { readonly httpClient: HttpClient };
  /** The same identity as `clientId`, for any `@azure/*` client. */
  readonly credential: TokenCredential;
  /** For clients on `node:https` or axios: leads every host to Kustody and trusts its certificates. */
  readonly httpsAgent: Agent;
  /** Variables for child processes, as `kustody run` sets them; `undefined` means to remove. */
  environment(): Promise<Readonly<Record<string, string | undefined>>>;
  /** Set when a cluster was asked for. */
  readonly cluster?: TestCluster & Partial<CustomerKey>;
  /** Those whom `kustody.yaml` names, by name. */
  readonly principals: Readonly<Record<string, TestPrincipal>>;
  /** The same clients, signed in as one of `principals`.
   * @throws TypeError for one who cannot sign in, and for a name that is not known */
  signedInAs(name: string): Clients;
  /** Runs a query, or a management command (which starts with a dot), as the owner of the cluster that was asked for.
   * @returns the rows of the first table by column; a long beyond 2^53 loses digits
   * @throws Error with the service's own code and message */
  query(text: string, options?: { readonly database?: string }): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** A second subscription of the same tenant; set when it was asked for. */
  readonly secondSubscriptionId?: string;
  readonly clock: {
    now(): Date;
    /** Moves the clock forward; what falls due on the way has happened when it resolves. */
    advance(milliseconds: number): Promise<void>;
    freeze(): Promise<void>;
    resume(): Promise<void>;
  };
  readonly faults: {
    /** @throws when it is no rule */
    add(rule: FaultRule): Promise<void>;
    clear(): Promise<void>;
  };
  /** Remembers everything: rows, resources, keys, roles, the clock. Sealed as it is; it ends with the instance.
   * @throws Error when there are 32 already */
  snapshot(): Promise<Snapshot>;
  /** Puts everything back, for everybody, when it resolves. Requests that are under way may fail. A snapshot can be restored often. */
  restore(snapshot: Snapshot): Promise<void>;
  /** Makes rows of all that waits in the queues of the clusters, whatever batching policies say: it is done when this resolves.
   * @returns how many queued blobs came to their end, by rows or by a failure
   * @throws Error for a cluster that does not serve, as without its key: what is queued there waits */
  flushQueued(): Promise<number>;
  /** Asks the vaults now whether every cluster can use its key. */
  checkKeys(): Promise<readonly KeyState[]>;
  /** Stops it and removes everything it made. Also `await using`. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Snapshot extends AsyncDisposable {
  readonly id: string;
  /** Gives back what it holds: memory, and the space of extents that are gone since. Also `await using`. */
  release(): Promise<void>;
}

export interface KeyState {
  readonly resourceId: string;
  readonly kid: string;
  readonly custody: 'microsoftManaged' | 'customer';
  readonly suspended: boolean;
  readonly reason?: string;
  readonly warning?: string;
  /** Those that have keys of their own; missing where none has. */
  readonly databases?: readonly {
    readonly name: string;
    readonly kid: string;
    readonly suspended: boolean;
    readonly reason?: string;
    readonly warning?: string;
  }[];
}

/** Trouble on request. */
export type FaultRule =
  /** `down`: connections break. Without `vault` and `operation` it hits all customers' vaults. */
  | {
      readonly kind: 'vault';
      readonly vault?: string;
      readonly operation?: string;
      readonly effect: 'down' | { readonly status: 429 | 500 | 502 | 503 | 504; readonly retryAfterSeconds?: number };
    }
  /** Cluster operations of the resource manager take so long on the Kustody clock. */
  | { readonly kind: 'operations'; readonly takesSeconds: number }
  /** Cluster operations end with `Failed`, `Internal Server Error`. */
  | { readonly kind: 'internalServerError' }
  /** Vaults have the service's limits of operations in ten seconds, and answer 429 with `Retry-After` beyond them. */
  | { readonly kind: 'vaultLimits' }
  /** Tokens issued before now count as expired. */
  | { readonly kind: 'tokenExpiry' }
  /** A policy of Conditional Access keeps users from tokens, all or one: AADSTS50076 or 53003. Applications get theirs. */
  | { readonly kind: 'conditionalAccess'; readonly grant: 'block' | 'multifactor'; readonly user?: string };

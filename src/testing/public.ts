import type { Agent } from 'node:https';
import type { HttpClient } from '@azure/core-rest-pipeline';

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

/** What `startKustody` gives for these options: a cluster is there exactly when it was asked for, and so is its key. */
export type Started<Options extends StartOptions> = Omit<Kustody, 'cluster'> &
  (Options extends { readonly cluster: { readonly key: 'microsoftManaged' } }
    ? { readonly cluster: TestCluster }
    : Options extends { readonly cluster: true | ClusterOptions }
      ? { readonly cluster: TestCluster & CustomerKey }
      : Pick<Kustody, 'cluster'>);

/** A running Kustody of one test file. Nothing is shared between two of them. */
export interface Kustody {
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
  /** For clients on `node:https` or axios: leads every host to Kustody and trusts its certificates. */
  readonly httpsAgent: Agent;
  /** Variables for child processes, as `kustody run` sets them; `undefined` means to remove. */
  environment(): Promise<Readonly<Record<string, string | undefined>>>;
  /** Set when a cluster was asked for. */
  readonly cluster?: TestCluster & Partial<CustomerKey>;
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
  /** Asks the vaults now whether every cluster can use its key. */
  checkKeys(): Promise<readonly KeyState[]>;
  /** Stops it and removes everything it made. Also `await using`. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface KeyState {
  readonly resourceId: string;
  readonly kid: string;
  readonly custody: 'microsoftManaged' | 'customer';
  readonly suspended: boolean;
  readonly reason?: string;
  readonly warning?: string;
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
  /** Tokens issued before now count as expired. */
  | { readonly kind: 'tokenExpiry' };

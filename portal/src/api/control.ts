import { sendJson } from './request.ts';

/** `GET /status` */
export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly port: number;
  readonly proxyPort: number;
  readonly kustoPort: number;
  readonly clock: Clock;
  readonly refusedHosts: readonly {
    readonly host: string;
    readonly why: 'foreign' | 'absent';
    readonly times: number;
  }[];
}

/** `GET /clock`: times are ISO on the Kustody clock. */
export interface Clock {
  readonly now: string;
  readonly virtual: boolean;
  readonly frozen: boolean;
  readonly aheadSeconds: number;
  readonly unaccountedSeconds: number;
  readonly heldJump?: { readonly from: string; readonly to: string };
}

export interface KeyOfCluster {
  /** The key version that wraps it, in full. */
  readonly kid: string;
  readonly outsideVault: boolean;
  readonly followsLatest: boolean;
  readonly generation: number;
  readonly unwrappedOn?: string;
  readonly suspension?: { readonly since: string; readonly reason: string };
  readonly warning?: string;
}

/** An item of `GET /clusters`. */
export interface Cluster extends KeyOfCluster {
  readonly clusterId: string;
  readonly resourceId: string;
  readonly name: string;
  readonly host?: string;
  readonly databaseNames: readonly string[];
  readonly state: string;
  readonly custody: 'microsoftManaged' | 'customer';
  readonly databaseKeys?: readonly (KeyOfCluster & { readonly databaseId: string; readonly name: string })[];
  readonly databases?: readonly DatabaseContents[];
  readonly notListed?: string;
}

export interface DatabaseContents {
  readonly name: string;
  readonly tables: readonly {
    readonly name: string;
    readonly loggedRows: number;
    readonly extents: readonly {
      readonly extentId: string;
      readonly rowCount: number;
      readonly sealedBytes: number;
      /** The data key that seals it. */
      readonly dekId: string;
    }[];
  }[];
}

export interface KeyVersion {
  readonly version: string;
  readonly current: boolean;
  readonly enabled: boolean;
  readonly createdOn: string;
  readonly notBefore?: string;
  readonly expiresOn?: string;
}

export interface Vault {
  readonly name: string;
  readonly resourceId: string;
  readonly state: string;
  readonly purgedOn?: string;
  readonly keys: readonly {
    readonly name: string;
    readonly purgedOn?: string;
    /** The newest first. */
    readonly versions: readonly KeyVersion[];
  }[];
}

/** In Azure's schemas: of a vault's operations, or of the activity log. */
export interface AuditedEvent {
  readonly sequence: number;
  readonly event: Readonly<Record<string, unknown>>;
}

export const status = (): Promise<Status> => sendJson('/status');

/** @param contents also what each holds, for which a cluster at rest wakes up */
export const listClusters = async (contents: boolean, signal?: AbortSignal): Promise<readonly Cluster[]> =>
  (await sendJson<{ readonly clusters: readonly Cluster[] }>(`/clusters?contents=${contents}`, signal && { signal }))
    .clusters;

export const listVaults = async (): Promise<readonly Vault[]> =>
  (await sendJson<{ readonly vaults: readonly Vault[] }>('/vaults')).vaults;

export const listFaults = async (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await sendJson<{ readonly faults: readonly Readonly<Record<string, unknown>>[] }>('/faults')).faults;

export const clearFaults = (): Promise<unknown> => sendJson('/faults', { method: 'DELETE' });

export const advanceClock = (seconds: number): Promise<Clock> =>
  sendJson('/clock/advance', { method: 'POST', json: { seconds } });

export const changeClock = (how: 'freeze' | 'resume' | 'accept'): Promise<Clock> =>
  sendJson(`/clock/${how}`, { method: 'POST' });

/** All clusters ask for their keys now, and not when it is their time. */
export const checkKeys = (): Promise<unknown> => sendJson('/check-keys', { method: 'POST' });

/** The newest of those that match. @param filter `vault`, `resource`, `operation`, `from` */
export const newestEvents = async (
  filter: Readonly<Record<string, string>>,
  last: number,
): Promise<readonly AuditedEvent[]> => {
  const query = new URLSearchParams({ ...filter, last: String(last) });
  return (await sendJson<{ readonly events: readonly AuditedEvent[] }>(`/audit/events?${query.toString()}`)).events;
};

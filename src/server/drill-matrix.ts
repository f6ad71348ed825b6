/** What people do with a cluster while its key is in trouble, in the order of the matrix. */
export const actionNames = [
  ...(['query', 'runningQuery', 'command', 'ingestion', 'asyncIngestion'] as const),
  ...(['export', 'runningExport', 'continuousExport', 'start', 'rotate'] as const),
] as const;
export type ActionName = (typeof actionNames)[number];

export const actionTitles: Readonly<Record<ActionName, string>> = {
  query: 'query',
  runningQuery: 'running query',
  command: 'command',
  ingestion: 'ingestion',
  asyncIngestion: 'async ingestion',
  export: '.export',
  runningExport: 'running .export',
  continuousExport: 'continuous export',
  start: 'start',
  rotate: 'rotate',
};

/** `refusal`: the vault says no, so the cluster stops at the next check. `outage`: the vault says nothing, so it lives on for the grace.
 * `none`: an expired version still unwraps. */
export type Bite = 'refusal' | 'outage' | 'none';

/** Ways in which a cluster can lose its key, or nearly. */
export const wayRows = {
  policyRemoved: { title: 'access policy removed', bites: 'refusal' },
  versionDisabled: { title: 'key version disabled', bites: 'refusal' },
  keyDisabled: { title: 'all versions disabled', bites: 'refusal' },
  keyDeleted: { title: 'key deleted', bites: 'refusal' },
  vaultDeleted: { title: 'vault deleted', bites: 'refusal' },
  identityRemoved: { title: 'identity deleted', bites: 'refusal' },
  throttled: { title: 'vault answers 429', bites: 'outage' },
  down: { title: 'vault down', bites: 'outage' },
  expired: { title: 'key version expired', bites: 'none' },
} as const satisfies Readonly<Record<string, { readonly title: string; readonly bites: Bite }>>;

export type WayName = keyof typeof wayRows;

/** Cells of a row: taking the key until it bites, the actions, and giving it back until it heals. */
export type CellName = 'taken' | ActionName | 'givenBack';

/** One request of a drill and its answer; secrets are `…`, and long texts end with it. */
export interface DrillExchange {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly request?: string;
  /** Missing where the answer broke off. */
  readonly status?: number;
  readonly answer: string;
}

/** A cell of the matrix, once it is known. */
export interface DrillCell {
  readonly way: WayName;
  readonly cell: CellName;
  /** Of an action. */
  readonly kind?: 'served' | 'refused' | 'cutOff';
  readonly error?: string;
  readonly status?: number;
  readonly message?: string;
  /** Of `taken` and `givenBack`, on the clock of the instance; missing when it never came. */
  readonly seconds?: number;
  readonly exchanges: readonly DrillExchange[];
  /** Requests between the first and the last ones that are not told, all alike. */
  readonly leftOut: number;
}

/** What `kustody drill --events` writes, one on a line. */
export type DrillEvent =
  | { readonly event: 'began'; readonly way: WayName }
  | ({ readonly event: 'cell' } & DrillCell)
  | { readonly event: 'ended'; readonly way: WayName; readonly problems: readonly string[] }
  | { readonly event: 'over'; readonly ok: boolean };

/** A cell without its requests. */
export type DrillCellOutcome = Pick<DrillCell, 'kind' | 'error' | 'status' | 'message' | 'seconds'>;

export interface DrillRunRow {
  readonly way: WayName;
  readonly title: string;
  readonly state: 'waiting' | 'underWay' | 'ended';
  readonly cells: Readonly<Partial<Record<CellName, DrillCellOutcome>>>;
  /** What was not as it must be, once it has ended. */
  readonly problems: readonly string[];
}

/** What `GET /drill` answers: the last run. */
export interface DrillRun {
  readonly state: 'none' | 'running' | 'cancelling' | 'over' | 'cancelled' | 'failed';
  /** Counts the runs of this process. */
  readonly run: number;
  /** Of one that is over: whether everything came out as it must. */
  readonly ok?: boolean;
  /** Why it failed. */
  readonly message?: string;
  readonly rows: readonly DrillRunRow[];
}

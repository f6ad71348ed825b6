/** Calls that wait for one another: so many are under way, others wait in line, and what does not fit there is refused. */
export interface Lane {
  readonly inFlightMax: number;
  readonly queueMax: number;
}

/** What clients' requests cause has a lane of its own, so that however many they are, commits, leases, keys and reasons of a shutdown find their way. */
export const lanes = {
  /** One call for each request of a client. */
  requests: { inFlightMax: 128, queueMax: 1_024 },
  /** One or two for each request; spans and what caches do of many at a time. */
  log: { inFlightMax: 64, queueMax: 8_192 },
  /** Everything else, that is a few at a time. */
  control: { inFlightMax: 128, queueMax: 1_024 },
} as const satisfies Readonly<Record<string, Lane>>;

export type LaneName = keyof typeof lanes;

const laneOfOperation: Readonly<Record<string, LaneName>> = {
  authorize: 'requests',
  outwardHost: 'requests',
  storageToken: 'requests',
  impersonation: 'requests',
  log: 'log',
  spans: 'log',
  cacheUse: 'log',
  endedElsewhere: 'log',
};

export const laneOf = (operation: string): LaneName =>
  Object.hasOwn(laneOfOperation, operation) ? (laneOfOperation[operation] ?? 'control') : 'control';

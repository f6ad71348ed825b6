import { systemRandomBytes } from '../../src/base/random.ts';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import type { DurableSteps } from './durable-steps.ts';
import { customerHost } from './file-vault.ts';
import type { KilledCluster } from './killed-cluster.ts';
import { clusterId } from './killed-cluster.ts';
import { sqlChange } from '../support/row-change.ts';
import { checkEvents, eventRecorder, eventSender, makeSetting } from './killed-diagnostics.ts';
import { derive, derivedProblems, exportDue, exportOnce, materialize, requireWhole } from './killed-derived.ts';
import {
  changePages,
  fillPages,
  isRemoval,
  packAndRevoke,
  pagedTable,
  pageProblems,
  removals,
  remove,
} from './killed-pages.ts';
import { enqueue, ingestQueue } from './killed-queue.ts';
import { addTexts, mergeTexts, requireFilter, termProblems, textTable } from './killed-terms.ts';

/** Of `removals` see there; `log`: a small streaming request; `extent`: inline data; `queued`: a blob and a message; `export`: a command whose rows go to
 * the user's storage; `update`: rows in the place of those of the update
 * before it; the others: the rows of a query, `set` into a table that it makes. */
const kinds = [
  'log',
  'extent',
  'append',
  'replace',
  'update',
  'set',
  'queued',
  'event',
  'export',
  ...removals,
] as const;
export type RequestKind = (typeof kinds)[number];

export interface Request {
  readonly table: string;
  readonly kind: RequestKind;
  readonly n: number;
}

export const nameOf = ({ table, kind, n }: Request): string => `${table} ${kind} ${n}`;

export function requestOf(name: string): Request {
  const [table = '', word, n] = name.split(' ');
  const kind = kinds.find((known) => known === word);
  if (kind === undefined) throw new Error(name);
  return { table, kind, n: Number(n) };
}

/** Of one request. */
export const rowsEach = 3;

export async function send(cluster: KilledCluster, request: Request): Promise<void> {
  const { table, kind } = request;
  const name = nameOf(request);
  const data = await cluster.data();
  const rows = Array.from({ length: rowsEach }, (_value, row) => row);
  if (kind === 'log' || kind === 'extent') {
    const body = Buffer.from(rows.map((row) => `${name},${row}`).join('\n'));
    const how = kind === 'log' ? 'streaming' : 'inline';
    await data.ingest({ database: 'db', table, format: 'csv', body, requestId: name, kind: how });
    return;
  }
  if (kind === 'queued') {
    await enqueue(cluster, name, table, rows.map((row) => `${name},${row}`).join('\n'));
    return;
  }
  if (kind === 'export') return exportOnce(cluster, name);
  if (isRemoval(kind)) return remove(cluster, kind, table, request.n);
  const sql = `SELECT * FROM (VALUES ${rows.map((row) => `('${name}', ${row}::BIGINT)`).join(', ')}) AS v(a, b)`;
  if (kind === 'update') {
    await data.changeRows(sqlChange(cluster.engine, table, `c1 LIKE '${table} update %'`, { sql, columns }));
    return;
  }
  await data.append({
    ...{ database: 'db', table, replace: kind === 'replace' },
    ...(kind === 'set' ? { change: { how: 'create', schema: { columns } } as const } : {}),
    rows: { kind: 'sql', columns, sql, bound: [] },
  });
}

const columns = [
  { name: 'Request', type: 'string' },
  { name: 'Row', type: 'long' },
] as const;

export interface Work {
  readonly cluster: KilledCluster;
  readonly steps: DurableSteps;
  /** Says a line, at once. */
  readonly say: (line: string) => void;
}

export interface Scenario {
  /** Absent: as many as a page holds. */
  readonly extentsPerPage?: number;
  readonly tables: readonly string[];
  /** Makes what is there before, besides a key of the customer. */
  readonly prepare?: (cluster: KilledCluster) => Promise<void>;
  /** What comes between the tables and their first rows. */
  readonly tablesMade?: (cluster: KilledCluster, say: Work['say']) => Promise<void>;
  readonly work: (work: Work) => Promise<void>;
  /** Goes on after a crash with what was acknowledged and is not done yet. */
  readonly resume?: (cluster: KilledCluster) => Promise<void>;
  /** What else is wrong once that is done. @param done names of requests that were acknowledged */
  readonly check?: (cluster: KilledCluster, done: readonly string[]) => Promise<string[]>;
  /** Another change of the same kind, after a crash. */
  readonly again?: (cluster: KilledCluster) => Promise<void>;
}

async function tell({ cluster, say }: Pick<Work, 'cluster' | 'say'>, request: Request): Promise<void> {
  say(`sent ${nameOf(request)}`);
  await send(cluster, request);
  say(`done ${nameOf(request)}`);
}

const ingest: Scenario = {
  tables: ['T', 'R', 'U'],
  work: async (work) => {
    const at = (kind: RequestKind, n: number, table = 'T'): Promise<void> => tell(work, { table, kind, n });
    await work.steps.during(async () => {
      for (let round = 0; round < 2; round += 1) {
        const n = round * 10;
        await at('log', n);
        await at('extent', n);
        await at('append', n);
        await at('replace', round, 'R');
        await at('set', round, `S${round}`);
        await Promise.all([at('update', round, 'U'), at('log', n, 'U')]);
        await Promise.all([at('log', n + 1), at('log', n + 1), at('extent', n + 1), at('log', n + 2)]);
      }
    });
  },
};

/** Clients go on while batches of what they have sent become rows. */
const queued: Scenario = {
  tables: ['T'],
  work: async (work) => {
    const { cluster, steps } = work;
    const at = (n: number): Promise<void> => tell(work, { table: 'T', kind: 'queued', n });
    await steps.during(async () => {
      for (let round = 0; round < 3; round += 1) {
        const n = round * 10;
        await at(n);
        await Promise.all([at(n + 1), at(n + 2), tell(work, { table: 'T', kind: 'log', n })]);
        await Promise.all([ingestQueue(cluster), at(n + 3)]);
      }
      await ingestQueue(cluster);
    });
  },
  resume: ingestQueue,
};

/** What a vault is asked goes into a table while more is asked. */
const diagnostics: Scenario = {
  tables: ['T'],
  prepare: makeSetting,
  work: async ({ cluster, steps, say }) => {
    const [record, send] = [eventRecorder(cluster), eventSender(cluster)];
    const at = async (n: number): Promise<void> => {
      const name = nameOf({ table: 'T', kind: 'event', n });
      say(`sent ${name}`);
      await record(name);
      say(`done ${name}`);
    };
    await steps.during(async () => {
      for (let round = 0; round < 3; round += 1) {
        const n = round * 10;
        await at(n);
        await Promise.all([at(n + 1), at(n + 2)]);
        await Promise.all([send(), at(n + 3), send()]);
        await send();
      }
    });
  },
  resume: (cluster) => eventSender(cluster)(),
  check: (cluster, done) =>
    checkEvents(
      cluster,
      done.filter((name) => requestOf(name).kind === 'event'),
    ),
};

/** New rows of a table go into a view and out to a user's storage while more come. */
const derived: Scenario = {
  tables: ['T'],
  tablesMade: derive,
  work: async (work) => {
    const { cluster, steps } = work;
    const at = (kind: RequestKind, n: number): Promise<void> => tell(work, { table: 'T', kind, n });
    await steps.during(async () => {
      for (let round = 0; round < 2; round += 1) {
        const n = round * 10;
        await Promise.all([materialize(cluster), at('log', n), at('extent', n)]);
        await Promise.all([exportDue(cluster), at('log', n + 1), requireWhole(cluster)]);
        await Promise.all([materialize(cluster), exportDue(cluster), at('export', n), at('extent', n + 1)]);
        await requireWhole(cluster);
      }
    });
  },
  check: (cluster, done) =>
    derivedProblems(
      cluster,
      done.filter((name) => requestOf(name).kind === 'export'),
    ),
};

const smallExtents = 8;

const merge: Scenario = {
  tables: ['A', 'B'],
  work: async (work) => {
    const { cluster, steps } = work;
    const data = await cluster.data();
    await steps.during(async () => {
      const merging = data.maintain();
      for (let n = 100; n < 104; n += 1)
        await Promise.all([tell(work, { table: 'A', kind: 'log', n }), tell(work, { table: 'B', kind: 'extent', n })]);
      await merging;
      // There is little to merge now, so this is the search for garbage while extents are written.
      let isOver = false;
      const lane = async (first: number): Promise<void> => {
        for (let n = first; !isOver; n += 1) await tell(work, { table: 'B', kind: 'extent', n });
      };
      const searching = data.maintain().finally(() => (isOver = true));
      await Promise.all([searching, lane(200), lane(300)]);
    });
  },
};

/** Extents that lie in pages are dropped, rewritten and merged, and come into others, while rows come. */
const pages: Scenario = {
  extentsPerPage: 4,
  tables: [pagedTable],
  tablesMade: fillPages,
  work: (work) => work.steps.during(() => changePages(work, (kind, n) => tell(work, { table: pagedTable, kind, n }))),
  check: pageProblems,
  again: packAndRevoke,
};

/** Extents of so many texts that what they are merged into gets a filter of terms. */
const terms: Scenario = {
  tables: [textTable],
  tablesMade: addTexts,
  work: ({ cluster, steps }) => steps.during(() => mergeTexts(cluster)),
  check: termProblems,
  again: async (cluster) => {
    await mergeTexts(cluster);
    await requireFilter(cluster);
  },
};

/** Requests and queries, one after the other in each of two lanes, until `change` has ended. A lane that fails, fails the test. */
async function underLoad(work: Work, first: number, change: () => Promise<void>): Promise<void> {
  const { cluster } = work;
  let isOver = false;
  const lane = async (from: number): Promise<void> => {
    let seen = 0;
    for (let n = from; !isOver; n += 1) {
      await tell(work, { table: 'T', kind: n % 3 === 0 ? 'extent' : 'log', n });
      const { size } = await cluster.rows('T');
      if (size < seen) throw new Error('a query lost rows');
      seen = size;
    }
  };
  const changing = change().finally(() => {
    isOver = true;
  });
  await Promise.all([changing, lane(first), lane(first + 500)]);
}

async function requireOpen(cluster: KilledCluster): Promise<void> {
  const { suspension, kid } = await cluster.keys.recheck(clusterId);
  if (suspension !== undefined) throw new Error(`${kid.version} does not open: ${suspension.reason}`);
}

const rotation: Scenario = {
  tables: ['T'],
  work: async (work) => {
    const { cluster, steps } = work;
    for (let round = 0; round < 8; round += 1) {
      const kid = cluster.vault.addVersion(customerHost, 'k');
      // By a request; then to no version at all, which means the latest one; then by following what the vault has.
      const follows = round % 4 === 3;
      const custody = cluster.customer(kid, { versionless: round % 4 === 2 });
      await steps.during(() =>
        underLoad(work, 1000 * (round + 1), async () => {
          if (follows) await cluster.keys.recheck(clusterId);
          else await cluster.changeTo(custody);
          cluster.vault.leaveOnly(kid);
          await requireOpen(cluster);
        }),
      );
    }
  },
  again: async (cluster) => {
    const kid = cluster.vault.addVersion(customerHost, 'k');
    await cluster.changeTo(cluster.customer(kid));
    cluster.vault.leaveOnly(kid);
  },
};

const otherKey = (cluster: KilledCluster): VersionedKeyId =>
  cluster.vault.addVersion(customerHost, `k${Buffer.from(systemRandomBytes(6)).toString('hex')}`);

const custody: Scenario = {
  tables: ['T'],
  work: async (work) => {
    const { cluster, steps } = work;
    // Another key, to Microsoft-managed, and from there.
    for (let round = 0; round < 3; round += 1) {
      const to = round === 1 ? ({ kind: 'microsoftManaged' } as const) : cluster.customer(otherKey(cluster));
      await steps.during(() =>
        underLoad(work, 1000 * (round + 1), async () => {
          await cluster.changeTo(to);
          cluster.vault.leaveOnly((await cluster.record()).kid);
          await requireOpen(cluster);
        }),
      );
    }
  },
  again: async (cluster) => {
    const { custody: now } = await cluster.record();
    await cluster.changeTo(
      now.kind === 'customer' ? { kind: 'microsoftManaged' } : cluster.customer(otherKey(cluster)),
    );
    cluster.vault.leaveOnly((await cluster.record()).kid);
  },
};

/** The database gets a key of its own, another one, a version of that, and none again. */
const databaseKey: Scenario = {
  tables: ['T'],
  work: async (work) => {
    const { cluster, steps } = work;
    for (let round = 0; round < 4; round += 1)
      await steps.during(() => underLoad(work, 1000 * (round + 1), () => changeDatabaseKey(cluster, round)));
  },
  again: async (cluster) => changeDatabaseKey(cluster, (await cluster.databaseKid()) === undefined ? 0 : 1),
};

async function changeDatabaseKey(cluster: KilledCluster, round: number): Promise<void> {
  const before = await cluster.databaseKid();
  const kid =
    round === 3
      ? undefined
      : round === 2
        ? cluster.vault.addVersion(customerHost, before?.name ?? '')
        : otherKey(cluster);
  await cluster.changeDatabaseTo(kid);
  cluster.vault.leaveOnly((await cluster.record()).kid, ...(kid === undefined ? [] : [kid]));
  await requireOpen(cluster);
  await cluster.keys.databases.checkAll(clusterId);
  if ((await cluster.keys.databases.suspensions(clusterId)).size > 0) throw new Error('the database does not open');
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  ingest,
  queued,
  diagnostics,
  derived,
  merge,
  pages,
  terms,
  rotation,
  custody,
  databaseKey,
};

/** Tables with a few extents and a log, in each of which something is to be lost. */
export async function prepare(scenario: Scenario, cluster: KilledCluster, say: Work['say']): Promise<void> {
  await cluster.changeTo(cluster.customer(cluster.vault.addVersion(customerHost, 'k')));
  await scenario.prepare?.(cluster);
  const data = await cluster.data();
  await data.createTables(
    'db',
    scenario.tables.map((name) => ({ name, columns })),
  );
  await scenario.tablesMade?.(cluster, say);
  const extents = scenario === merge ? smallExtents : 2;
  for (const table of scenario.tables) {
    await data.setPolicy('db', table, 'streamingingestion', { IsEnabled: true, HintAllocatedRate: null });
    if (table === 'R' || table === 'U') continue;
    for (let n = 0; n < extents; n += 1) await tell({ cluster, say }, { table, kind: 'extent', n: 900 + n });
    for (let n = 0; n < 3; n += 1) await tell({ cluster, say }, { table, kind: 'log', n: 900 + n });
  }
}

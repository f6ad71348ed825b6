import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import type { QueryEngine } from '../../src/kql/query-engine.ts';
import {
  clusterCatalogTable,
  isBesideHead,
  otherSide,
  sideInUse,
} from '../../src/cluster/process/remote-catalog-store.ts';
import { keyTodos } from '../../src/cluster/supervisor/key-todos.ts';
import type { KilledCluster } from './killed-cluster.ts';
import {
  clusterId,
  databaseId,
  isServiceKey,
  openKilledCluster,
  resourceOf,
  resources,
  withoutKey,
} from './killed-cluster.ts';
import { eventTable } from './killed-diagnostics.ts';
import { isRemoval, removedBy } from './killed-pages.ts';
import { stagedOf } from './killed-queue.ts';
import type { Request } from './killed-work.ts';
import type { Written } from './watched-store.ts';
import { hangMs } from '../support/hang.ts';
import { nameOf, requestOf, rowsEach, scenarios, send } from './killed-work.ts';

/** What a process said before it was killed. */
export interface Killed {
  readonly directory: string;
  readonly scenario: string;
  /** Names of requests. */
  readonly sent: readonly string[];
  readonly done: readonly string[];
  readonly written: readonly Written[];
  /** What the clock says afterwards. */
  readonly now: number;
  /** Whether so much time has passed that what was under way counts as dead. */
  readonly isLate: boolean;
}

/** Starts again where a process was killed, with no key enabled but the one that the cluster's record names.
 * @returns what is wrong */
export async function check(killed: Killed, engine: EngineDatabase, queries: QueryEngine): Promise<string[]> {
  const { directory, now } = killed;
  const wrong: string[] = [];
  const written = [...killed.written];
  const cluster = await openKilledCluster({
    ...{ directory, engine, queries, now },
    extentsPerPage: scenarios[killed.scenario]?.extentsPerPage,
    written: (value) => written.push(value),
  });
  try {
    const { kid, custody } = await cluster.record();
    const resource = await cluster.state.get(resources, clusterId);
    if (resource?.value !== resourceOf(custody)) wrong.push('the resource names another key than the record');
    const own = await cluster.databaseKid();
    const ofDatabase = await cluster.state.get(resources, databaseId);
    if ((ofDatabase?.value ?? withoutKey) !== (own?.version ?? withoutKey))
      wrong.push('the resource of the database names another key than the record');
    cluster.vault.leaveOnly(kid, ...(own === undefined ? [] : [own]));
    cluster.keys.start();
    await scenarios[killed.scenario]?.resume?.(cluster);
    wrong.push(...((await scenarios[killed.scenario]?.check?.(cluster, killed.done)) ?? []));
    wrong.push(...(await checkRows(cluster, killed, false)));
    for (const name of new Set(killed.sent)) {
      const request = requestOf(name);
      if (request.kind === 'log' || request.kind === 'extent') await send(cluster, request);
    }
    wrong.push(...(await checkRows(cluster, killed, true)));
    await (await cluster.data()).maintain();
    wrong.push(...(await checkRows(cluster, killed, true)), ...(await checkBlobs(cluster, killed)));
    wrong.push(...(await checkTodos(cluster, killed.isLate)));
    const wraps = await cluster.wraps();
    if ((own === undefined ? wraps.own : wraps.others) > 0)
      wrong.push(`the key of the database wraps ${wraps.own} and does not wrap ${wraps.others}`);
    written.push(...(await cluster.stored()));
    // This process loses its lock by reading the file. Nobody else wants it.
    wrong.push(...checkDisk(directory, written, (await cluster.record()).generation));
    await scenarios[killed.scenario]?.again?.(cluster);
    await cluster.keys.recheck(clusterId);
    wrong.push(...(await checkRows(cluster, killed, true)));
    const { generation } = await cluster.record();
    await cluster.close();
    wrong.push(...checkDisk(directory, written, generation));
  } catch (error) {
    wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await cluster.close();
  }
  return wrong;
}

/** @param isRepeated every request that can be repeated was */
async function checkRows(cluster: KilledCluster, { sent, done }: Killed, isRepeated: boolean): Promise<string[]> {
  const wrong: string[] = [];
  const isSent = new Set(sent);
  const mustBe = new Set(
    done.concat(isRepeated ? sent.filter((name) => isRepeatable(requestOf(name))) : []).filter((name) => {
      const { kind } = requestOf(name);
      return !isReplacing(kind) && !isRemoval(kind) && kind !== 'event' && kind !== 'export';
    }),
  );
  const found = new Map<string, number[]>();
  for (const table of (await cluster.data()).database('db').tables.keys()) {
    if (table === eventTable) continue;
    const rowsOf = await cluster.rows(table);
    for (const [name, rows] of rowsOf) found.set(name, rows);
    if (rowsOf.size === 0 && table !== 'R' && table !== 'U') wrong.push(`${table} is empty`);
  }
  for (const [name, rows] of found) {
    const whole = rows.length === rowsEach && new Set(rows).size === rowsEach;
    if (!whole || !isSent.has(name)) wrong.push(`${name} has the rows ${rows.join()}`);
  }
  const mayBeGone = removedBy(sent);
  for (const name of mustBe) if (!found.has(name) && !mayBeGone.has(name)) wrong.push(`${name} is lost`);
  for (const name of removedBy(done)) if (found.has(name)) wrong.push(`${name} is there again`);
  for (const kind of replacing) wrong.push(...checkReplaced(kind, [...found.keys()], done));
  return wrong;
}

const isRepeatable = ({ kind }: Request): boolean => kind === 'log' || kind === 'extent';

const replacing = ['replace', 'update'] as const;
type Replacing = (typeof replacing)[number];
const isReplacing = (kind: Request['kind']): boolean => (replacing as readonly string[]).includes(kind);

/** The rows of one replacement and no other: the last one that was acknowledged, or the one after it. */
function checkReplaced(kind: Replacing, found: readonly string[], done: readonly string[]): string[] {
  const replaced = (names: readonly string[]): Request[] => names.map(requestOf).filter((one) => one.kind === kind);
  const there = replaced(found);
  const last = Math.max(-1, ...replaced(done).map(({ n }) => n));
  if (there.length <= 1 && there.length >= (last < 0 ? 0 : 1) && there.every(({ n }) => n >= last)) return [];
  return [`of those of ${kind} there are ${there.map(nameOf).join() || 'none'}, after ${last}`];
}

async function checkBlobs(cluster: KilledCluster, { directory, sent, done }: Killed): Promise<string[]> {
  const data = await cluster.data();
  const kept = data.keptExtents('db').reduce((sum, { extents }) => sum + extents.length, 0);
  const extents = data.extents('db').length + kept;
  const filters = await cluster.filters();
  const queued = [...new Set(sent)].filter((name) => requestOf(name).kind === 'queued');
  const staged = await stagedOf(cluster, queued);
  const open = queued.filter((name) => !done.includes(name)).length;
  const files = readdirSync(join(directory, 'extents'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return [
    ...(files.length === extents + filters + staged
      ? []
      : [`${files.length} files for ${extents} extents, ${filters} filters, ${staged} staged`]),
    // What became rows is gone; what nobody could name in a message any more stays its week.
    ...(staged <= open ? [] : [`${staged} blobs are staged of ${open} that were under way`]),
  ];
}

const everyMs = 5;

/** Waits for the first round of what is left to do, however little of the processors and the disk it gets. */
async function checkTodos({ state, vault, record }: KilledCluster, isLate: boolean): Promise<string[]> {
  const due = async (): Promise<number> =>
    (await state.list(keyTodos)).filter(({ value }) => isLate || value.action !== 'making').length;
  const hangsAt = performance.now() + hangMs / 2;
  while ((await due()) > 0) {
    if (performance.now() > hangsAt) return ['something is left to do after a change of keys'];
    await pause(everyMs);
  }
  const unused = otherSide(await sideInUse(state, clusterId));
  const catalog = await state.list(clusterCatalogTable, { prefix: `${clusterId}/` });
  const left = catalog.filter(({ id }) => isBesideHead(clusterId, unused, id));
  if (left.length > 0) return [`${left.length} records of a catalog that is not in use are left`];
  const { kid } = await record();
  const others = vault.kids().filter((other) => isServiceKey(other) && other.version !== kid.version);
  return isLate && others.length > 0 ? [`${others.length} keys of the service vault belong to nobody`] : [];
}

/** What was written under an earlier cluster key is gone from the files, whoever has the key. */
function checkDisk(directory: string, written: readonly Written[], generation: number): string[] {
  const state = join(directory, 'state');
  const files = readdirSync(state).map((file) => readFileSync(join(state, file)));
  const old = new Set(written.filter((one) => one.generation < generation).map(({ mark }) => mark));
  const left = [...old].filter((mark) => files.some((file) => file.includes(Buffer.from(mark, 'hex'))));
  const current = written.filter((one) => one.generation === generation);
  const isFound = current.some(({ mark }) => files.some((file) => file.includes(Buffer.from(mark, 'hex'))));
  return [
    ...(left.length > 0 ? [`${left.length} values under an earlier key are left on disk`] : []),
    ...(isFound ? [] : ['the search finds nothing']),
  ];
}

import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { callLocal, localToken } from '../src/server/local-client.ts';
import { startKustody } from '../tests/support/kustody-command.ts';
import { openLiveCluster } from '../tests/support/live-cluster.ts';
import type { LiveCluster } from '../tests/support/live-cluster.ts';

/** A server is killed somewhere within this time after its writers have begun. */
const killWithinMs = 1_500;
const enoughWithinMs = 60_000;
const writers = 4;
/** More than what the log of the state takes: it becomes an extent. */
const extentBytes = 200 * 1024;
const extentLane = 'extent';
export const isExtent = (id: string): boolean => id.startsWith(extentLane);
const restOf = (id: string): number => (isExtent(id) ? extentBytes : 0);

/** What was acknowledged over all kills, and what was sent. */
export class Book {
  readonly sent: Set<string>;
  readonly rows: string[];
  readonly groups: string[];
  /** Key ids. */
  readonly versions: string[];
  /** How often its server was killed. */
  kills: number;

  /** @param other is copied */
  constructor(other?: Book) {
    this.sent = new Set(other?.sent);
    this.rows = [...(other?.rows ?? [])];
    this.groups = [...(other?.groups ?? [])];
    this.versions = [...(other?.versions ?? [])];
    this.kills = other?.kills ?? 0;
  }

  /** What was acknowledged. */
  get summary(): string {
    return `${this.rows.length} rows, ${this.groups.length} resource groups and ${this.versions.length} key versions acknowledged`;
  }
}

/** Starts the server, compares what it has with the book, writes until it is killed; so `count` times, and compares once more.
 * @param killed called when its processes are gone
 * @returns what did not hold, after the first kill where something did not */
export async function killRepeatedly(options: {
  readonly data: string;
  readonly book: Book;
  readonly count: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Told how often it was killed before; SIGKILL by default. */
  readonly signal?: (kills: number) => NodeJS.Signals;
  /** Until this is so it is not killed. */
  readonly isEnough?: () => boolean;
  /** More arguments of `up`. */
  readonly args?: readonly string[];
  readonly killed: (kills: number) => void;
}): Promise<readonly string[]> {
  const { data, book, count, env, args = [], killed, isEnough = () => true } = options;
  const signal = options.signal ?? (() => 'SIGKILL');
  const last = book.kills + count;
  for (;;) {
    const server = startKustody(['up', '--data', data, '--log-level', 'silent', ...args], env);
    const problems: string[] = [];
    try {
      await server.printed('Stop with');
      const cluster = await openLiveCluster(data);
      if (book.kills === 0) {
        await cluster.command('.create table T (Id: string, Rest: string)');
        await cluster.command('.alter table T policy streamingingestion enable');
      }
      problems.push(...(await check(cluster, book)));
      if (problems.length === 0 && book.kills < last)
        await workUntilKilled(cluster, book, isEnough, () => server.process.kill(signal(book.kills)));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    const isOver = problems.length > 0 || book.kills === last;
    if (isOver) server.process.kill('SIGTERM');
    await server.result;
    if (isOver) return problems.map((problem) => `after ${book.kills} kills: ${problem}`);
    book.kills += 1;
    killed(book.kills);
  }
}

async function workUntilKilled(
  cluster: LiveCluster,
  book: Book,
  isEnough: () => boolean,
  end: () => void,
): Promise<void> {
  const group = await groupsOf(cluster);
  let isOver = false;
  const lane = async (name: string, once: (id: string) => Promise<void>): Promise<void> => {
    for (let n = 0; !isOver; n += 1) {
      try {
        await once(`${name}-${book.kills}-${n}`);
      } catch {
        return; // the server is gone: this was not acknowledged
      }
    }
  };
  const row = async (id: string): Promise<void> => {
    const rest = randomBytes(restOf(id) / 2).toString('hex');
    book.sent.add(id);
    if ((await cluster.ingest('T', `${id},${rest}\n`)) !== undefined) book.rows.push(id);
  };
  const lanes = [
    ...Array.from({ length: writers }, (_, n) => lane(`row-${n}`, (id) => row(id))),
    lane(extentLane, row),
    lane('group', async (id) => {
      if ((await group('PUT', id)) < 300) book.groups.push(id);
    }),
    lane('version', async () => {
      const { key } = await cluster.newKeyVersion();
      book.versions.push((key as unknown as { kid: string }).kid);
      await cluster.checkKeys(); // the cluster follows it
    }),
  ];
  await setTimeout(randomInt(1, killWithinMs));
  for (const started = performance.now(); !isEnough() && performance.now() - started < enoughWithinMs;)
    await setTimeout(10);
  isOver = true;
  end();
  await Promise.all(lanes);
}

async function check(cluster: LiveCluster, book: Book): Promise<readonly string[]> {
  const found = new Map(
    (await cluster.query('T | summarize count(), sum(strlen(Rest)) by Id')).map(([id, times, length]) => [
      String(id),
      { times: Number(times), length: Number(length) },
    ]),
  );
  const problems = book.rows.filter((id) => !found.has(id)).map((id) => `row ${id} is lost`);
  for (const [id, { times, length }] of found) {
    if (times !== 1) problems.push(`row ${id} is there ${times} times`);
    else if (length !== restOf(id)) problems.push(`row ${id} has ${length} characters besides`);
    if (!book.sent.has(id)) problems.push(`row ${id} was never sent`);
  }
  const group = await groupsOf(cluster);
  for (const name of book.groups) if ((await group('GET', name)) !== 200) problems.push(`group ${name} is lost`);
  const versions = await cluster.keyVersions();
  for (const id of book.versions) if (!versions.has(id)) problems.push(`key version ${id} is lost`);
  return problems.slice(0, 20);
}

/** @returns the status of a request about a resource group */
async function groupsOf({
  environment,
}: LiveCluster): Promise<(method: 'GET' | 'PUT', name: string) => Promise<number>> {
  const host = 'management.azure.com';
  const token = await localToken(environment, `https://${host}`);
  return async (method, name) => {
    const path = `/subscriptions/${environment.subscriptionId}/resourcegroups/${name}?api-version=2024-11-01`;
    const body = method === 'PUT' ? { body: { location: 'eastus' } } : {};
    return (await callLocal(environment, { host, method, path, token, ...body })).status;
  };
}

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { callLocal, localToken } from '../src/server/local-client.ts';
import { startKustody, temporaryDirectory } from '../tests/support/kustody-command.ts';
import { openLiveCluster } from '../tests/support/live-cluster.ts';
import type { LiveCluster } from '../tests/support/live-cluster.ts';
import type { CampaignPart, PartResult } from './part.ts';
import { countOf } from './part.ts';

/** A server is killed somewhere within this time after its writers have begun. */
const killWithinMs = 1_500;
const writers = 4;

/** What was acknowledged over all kills, and what was sent. */
interface Book {
  readonly sent: Set<string>;
  readonly rows: string[];
  readonly groups: string[];
}

/** The whole server is killed while rows are ingested, key versions made and resource groups written. */
export const kills: CampaignPart = {
  id: 'kills',
  promise: 'what was acknowledged before a kill is there after it, each row once; the server starts each time',
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const count = countOf('KUSTODY_CAMPAIGN_KILLS', 10);
  using directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  const book: Book = { sent: new Set(), rows: [], groups: [] };
  const missed: string[] = [];
  for (let kill = 0; kill <= count && missed.length === 0; kill += 1) {
    const server = startKustody(['up', '--data', data, '--log-level', 'silent']);
    await server.printed('Stop with');
    const cluster = await openLiveCluster(data);
    if (kill === 0) {
      await cluster.command('.create table T (Id: string)');
      await cluster.command('.alter table T policy streamingingestion enable');
    }
    missed.push(...(await check(cluster, book)).map((problem) => `after ${kill} kills: ${problem}`));
    if (kill === count) server.process.kill('SIGTERM');
    else await workUntilKilled(cluster, book, kill, () => server.process.kill('SIGKILL'));
    await server.result;
    if (kill % 100 === 99) say(`${kill + 1} kills`);
  }
  const { rows, groups } = book;
  return {
    figures: [`${count} kills, ${rows.length} rows and ${groups.length} resource groups acknowledged`],
    missed,
  };
}

async function workUntilKilled(cluster: LiveCluster, book: Book, kill: number, end: () => void): Promise<void> {
  const group = await groupsOf(cluster);
  let isOver = false;
  const lane = async (name: string, once: (id: string) => Promise<void>): Promise<void> => {
    for (let n = 0; !isOver; n += 1) {
      try {
        await once(`${name}-${kill}-${n}`);
      } catch {
        return; // the server is gone: this was not acknowledged
      }
    }
  };
  const row = async (id: string): Promise<void> => {
    book.sent.add(id);
    if ((await cluster.ingest('T', `${id}\n`)) !== undefined) book.rows.push(id);
  };
  const lanes = [
    ...Array.from({ length: writers }, (_, n) => lane(`row-${n}`, row)),
    lane('group', async (id) => {
      if ((await group('PUT', id)) < 300) book.groups.push(id);
    }),
    lane('version', async () => {
      await cluster.newKeyVersion();
      await cluster.checkKeys(); // the cluster follows it
    }),
  ];
  await new Promise((resolve) => setTimeout(resolve, randomInt(1, killWithinMs)));
  isOver = true;
  end();
  await Promise.all(lanes);
}

async function check(cluster: LiveCluster, book: Book): Promise<readonly string[]> {
  const found = new Map((await cluster.query('T | summarize count() by Id')).map(([id, n]) => [String(id), Number(n)]));
  const problems = book.rows.filter((id) => !found.has(id)).map((id) => `row ${id} is lost`);
  for (const [id, times] of found) {
    if (times !== 1) problems.push(`row ${id} is there ${times} times`);
    if (!book.sent.has(id)) problems.push(`row ${id} was never sent`);
  }
  const group = await groupsOf(cluster);
  for (const name of book.groups) if ((await group('GET', name)) !== 200) problems.push(`group ${name} is lost`);
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

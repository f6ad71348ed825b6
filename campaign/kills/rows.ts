import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Found, Ledger } from './ledger.ts';
import { gone, there } from './ledger.ts';
import type { LiveServer } from './live-server.ts';
import type { Doing, Lane, Work } from './work.ts';
import { isLost } from './work.ts';

const table = 'T';
const writers = 3;
/** More than what the log of the state takes: it becomes an extent. */
const extentBytes = 140 * 1024;
const extentPrefix = 'extent';
/** @param id of a row */
export const isExtent = (id: string): boolean => id.startsWith(extentPrefix);
const restOf = (id: string): number => (isExtent(id) ? extentBytes : 0);
/** So many extents are merged. */
const mergeExtents = 8;
/** Upkeep comes every 30 s of the Kustody clock. */
const upkeepSeconds = 31;
const mergeMsMax = 3_000;
/** Reading all of them takes a moment. */
const rowsMax = 1_500;

const setUp = async (server: LiveServer): Promise<void> => {
  await server.command(`.create table ${table} (Id: string, Rest: string)`);
  await server.command(`.alter table ${table} policy streamingingestion enable`);
};

/** Each is to be there once, with all of its bytes. */
async function found(server: LiveServer): Promise<Found> {
  const rows = await server.query(`${table} | summarize count(), sum(strlen(Rest)) by Id`);
  return new Map(
    rows.map(([id, times, length]) => {
      const name = String(id);
      const isWhole = Number(times) === 1 && Number(length) === restOf(name);
      return [name, isWhole ? there : `there ${Number(times)} times with ${Number(length)} bytes`];
    }),
  );
}

async function tidy(server: LiveServer, ledger: Ledger): Promise<void> {
  const present = ledger.in(there);
  if (present.length < rowsMax) return;
  await server.command(`.clear table ${table} data`);
  for (const name of present) ledger.settle(name, gone);
}

function lanes(server: LiveServer, ledger: Ledger, doing: Doing): readonly Lane[] {
  const stream = async (kind: string, id: string): Promise<void> => {
    const rest = randomBytes(restOf(id) / 2).toString('hex');
    await doing(kind, () => ledger.change(id, there, () => server.ingest(table, `${id},${rest}\n`)));
  };
  const log: Lane = { kinds: ['log rows'], once: (number) => stream('log rows', `row-${number}`) };
  const extents: Lane = { kinds: ['extents'], once: (number) => stream('extents', `${extentPrefix}-${number}`) };
  return [...Array.from({ length: writers }, () => log), extents];
}

/** Rows that were streamed, in the log and in extents. */
export const rows: Work = {
  noun: 'row',
  kinds: ['log rows', 'extents'],
  ...{ setUp, lanes, found, tidy, settles: true, losses: [isLost] },
};

/** The same, and extents of a row each, which are merged as soon as there are enough. Needs virtual time. */
export const mergedRows: Work = {
  ...rows,
  kinds: [...rows.kinds, 'merges'],
  lanes: (server, ledger, doing) => [...lanes(server, ledger, doing), mergeLane(server, ledger, doing)],
};

function mergeLane(server: LiveServer, ledger: Ledger, doing: Doing): Lane {
  const extentCount = async (): Promise<number> =>
    Number((await server.command(`.show table ${table} details`))[0]?.[4]);
  const merge = async (before: number): Promise<void> => {
    await server.control('POST', '/clock/advance', { seconds: upkeepSeconds });
    const started = performance.now(); // upkeep goes on behind its answer
    while ((await extentCount()) >= before && performance.now() - started < mergeMsMax) await pause(5);
  };
  return {
    kinds: ['merges'],
    once: async (number) => {
      const count = await extentCount();
      if (count >= mergeExtents) return doing('merges', () => merge(count));
      const id = `small-${number}`;
      const append = `.set-or-append ${table} <| print Id = '${id}', Rest = ''`;
      return doing('extents', () => ledger.change(id, there, () => server.command(append)));
    },
  };
}

import { execFile } from 'node:child_process';
import Table from 'cli-table3';
import { invariant } from '../src/base/invariant.ts';
import { auditRows } from './audit.ts';
import { controlRows } from './control-plane.ts';
import { databaseRows } from './databases.ts';
import { extentRows } from './extents.ts';
import { growthRows } from './growth.ts';
import { ingestRows } from './ingest.ts';
import { kqlRows } from './kql.ts';
import { limitRows } from './limits.ts';
import { mergeRows } from './merge.ts';
import { nodeRows } from './nodes.ts';
import { portalRows } from './portal.ts';
import { queryRows } from './queries.ts';
import { resultRows } from './results.ts';
import { rotationRows } from './rotation.ts';
import { closeSampleCluster } from './sample-cluster.ts';
import { schemaRows } from './schema.ts';
import { stateRows } from './state.ts';
import type { BenchRow, Measured } from './row.ts';
import { tokenRows } from './tokens.ts';
import { viewRows } from './views.ts';
import { vaultRows } from './vault.ts';
import { wireRows } from './wire.ts';

/** `npm run bench [-- FILTER] [--json]`: each row as a ratio against something everybody can measure. FILTER is a group or a part of a row's
 * name. Exit code 1 when one misses its floor, 2 when none is meant. */
const groups: Readonly<Record<string, readonly BenchRow[]>> = {
  state: stateRows,
  'control-plane': controlRows,
  queries: queryRows,
  kql: kqlRows,
  extents: extentRows,
  results: resultRows,
  ingest: [...ingestRows, ...mergeRows, ...viewRows],
  rotation: rotationRows,
  wire: wireRows,
  limits: limitRows,
  growth: growthRows,
  schema: schemaRows,
  tokens: tokenRows,
  vault: vaultRows,
  views: viewRows,
  audit: auditRows,
  databases: databaseRows,
  portal: portalRows,
  nodes: nodeRows,
};
const filter = process.argv.slice(2).find((word) => !word.startsWith('--'));
const asJson = process.argv.includes('--json');
const all = [...new Set(Object.values(groups).flat())];
const named = all.filter(({ id }) => id === filter);
const meant = named.length > 0 ? named : all.filter(({ id }) => id.includes(filter ?? ''));
const rows = groups[filter ?? ''] ?? meant;
if (rows.length === 0) {
  const names = [...Object.keys(groups), ...all.map(({ id }) => id)];
  process.stderr.write(`Nothing is called ${filter}. There are: ${names.join(', ')}.\n`);
  process.exit(2);
}

/** @throws Error when that process measured nothing */
const measureApart = ({ id }: BenchRow): Promise<Measured> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [process.argv[1] ?? '', id, '--json'], (error, stdout, stderr) => {
      // It also ends with 1 when the floor is missed.
      if (stdout === '') reject(new Error(`${id} was not measured: ${stderr}`, { cause: error }));
      else resolve(readMeasured(stdout));
    });
  });

function readMeasured(json: string): Measured {
  const [one] = JSON.parse(json) as readonly { readonly measured: number; readonly detail: string }[];
  invariant(one !== undefined, 'one row is measured in a process of its own');
  return { ratio: one.measured, detail: one.detail };
}

const results = [];
for (const row of rows) {
  if (!asJson) process.stderr.write(`${row.id} …\n`);
  const isApart = row.apart === true && rows.length > 1;
  const { ratio, detail } = await (isApart ? measureApart(row) : row.run());
  const meets = (bound: number) => (row.rule === 'atMost' ? ratio <= bound : ratio >= bound);
  results.push({ ...row, measured: ratio, detail, floorMet: meets(row.floor), aimMet: meets(row.aim) });
}

await closeSampleCluster();

if (asJson) {
  process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
} else {
  const table = new Table({
    head: ['measure', 'ratio', 'floor', 'aim', 'measured', 'verdict', 'figures'],
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [18, 34, 8, 8, 10, 9, 44],
  });
  for (const row of results) {
    const sign = row.rule === 'atMost' ? '≤' : '≥';
    const verdict = row.aimMet ? 'aim' : row.floorMet ? 'floor' : 'MISSED';
    const bounds = [`${sign}${row.floor}`, `${sign}${row.aim}`];
    table.push([row.id, row.ratio, ...bounds, row.measured.toFixed(2), verdict, row.detail]);
  }
  process.stdout.write(`${table.toString()}\n`);
}
process.exitCode = results.every((row) => row.floorMet) ? 0 : 1;

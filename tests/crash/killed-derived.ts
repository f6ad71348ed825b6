import fs from 'node:fs';
import { join } from 'node:path';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import type { Clock } from '../../src/clock/clock.ts';
import { instant } from '../../src/clock/clock.ts';
import type { ExternalTableView } from '../../src/database/catalog/external-table.ts';
import { readResult } from '../../src/database/commands/command-pipe.ts';
import type { CommandContext } from '../../src/database/commands/command-context.ts';
import { runContinuousExports } from '../../src/database/commands/continuous-export-run.ts';
import { runCommand } from '../../src/database/commands/run-command.ts';
import type { ExportPlaces } from '../../src/database/exports/export-places.ts';
import { functionFacts } from '../../src/kql/language.ts';
import { createKqlParser } from '../../src/kql/parser/parser-client.ts';
import type { KqlParser } from '../../src/kql/parser/parser-client.ts';
import { ticksOfUnixMilliseconds } from '../../src/kql/values/ticks.ts';
import type { KilledCluster } from './killed-cluster.ts';
import { clusterId, databaseId } from './killed-cluster.ts';

// What is made of the rows of a table: a materialized view, a continuous export, and exports by command.

const source = 'T';
const view = 'V';
const summary = `${source} | summarize Count = count(), Total = sum(Row), Last = max(Request) by Kind = tostring(split(Request, ' ')[1])`;
/** Those that were there before anything was killed. */
const fixed = `${source} | where Request endswith '900' or Request endswith '901'`;
const account = 'https://acc.blob.core.windows.net';

/** The parser that tests use, which whoever starts this process names. */
export const openKilledParser = (): KqlParser =>
  createKqlParser({
    entry: process.env['KILLED_PARSER'] ?? '',
    snapshots: process.env['KILLED_PARSER_SNAPSHOTS'],
    limits: { textMax: 100_000, parseMsMax: 60_000 },
    functions: functionFacts,
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
  });

/** A view of two groups that all requests change, and an export of each row into folders. */
export async function derive(cluster: KilledCluster): Promise<void> {
  const data = await cluster.data();
  await data.createMaterializedView({ database: 'db', name: view, source, isOverView: false, query: summary });
  const table: ExternalTableView = {
    ...{ name: 'E', folder: '', docstring: '', format: 'csv', pathFormat: '', properties: {} },
    columns: [
      { name: 'Request', type: 'string' },
      { name: 'Row', type: 'long' },
    ],
    connections: [`${account}/continuous;key`],
    partitions: [{ name: 'Place', type: 'long', of: { column: 'Request', call: 'hash', argument: '2' } }],
  };
  await data.putExternalTable('db', table, 'create');
  const definition = {
    ...{ name: 'C', externalTable: 'E', query: source, factTables: [source], isScoped: false, intervalMs: 0 },
    ...{ properties: {}, creator: caller },
  };
  await data.putContinuousExport('db', definition, undefined);
}

export async function materialize(cluster: KilledCluster): Promise<void> {
  await (await cluster.data()).materialize('db', view);
}

/** The continuous export, as the server runs what is due. */
export async function exportDue(cluster: KilledCluster): Promise<void> {
  await runContinuousExports({
    ...(await contextOf(cluster)),
    placesOf: () => placesIn(cluster.directory),
    isRefusal: () => false,
  });
}

/** By a command that is answered when all is written. @param name begins the names of what it writes */
export async function exportOnce(cluster: KilledCluster, name: string): Promise<void> {
  const address = `${account}/once/${encodeURIComponent(name)};key`;
  await runCommand(await contextOf(cluster), `.export to csv ("${address}") <| ${fixed}`);
}

/** Whatever goes on meanwhile, the view has all rows that were there before and whole requests. @throws Error */
export async function requireWhole(cluster: KilledCluster): Promise<void> {
  const count = async (text: string): Promise<number> => Number((await query(cluster, text))[0]?.[0]);
  const before = await count(`${source} | count`);
  const shown = await count(`${view} | summarize sum(Count)`);
  const after = await count(`${source} | count`);
  if (shown < before || shown > after || shown % 3 !== 0)
    throw new Error(`The view has ${shown} rows where there were ${before} before and ${after} after.`);
}

async function viewProblems(cluster: KilledCluster): Promise<string[]> {
  const differ = `(${view} | extend Side = 1) | union (${summary} | extend Side = 2) | summarize Sides = make_list(Side) by Kind, Count, Total, Last | where array_length(Sides) != 2`;
  const rows = await query(cluster, differ);
  return rows.map((row) => `the view or its query alone has ${row.map(String).join()}`);
}

/** What is wrong with what was made of the rows: first as it was left, then when all of it goes on. @param done names of exports that were
 * acknowledged */
export async function derivedProblems(cluster: KilledCluster, done: readonly string[]): Promise<string[]> {
  const wrong = [...(await viewProblems(cluster))];
  await materialize(cluster);
  await exportDue(cluster);
  wrong.push(...(await viewProblems(cluster)));
  const [stored] = await query(
    cluster,
    `print Differ = toscalar(materialized_view('${view}') | summarize sum(Count)) - toscalar(${source} | count)`,
  );
  if (String(stored?.[0]) !== '0')
    wrong.push(`after materialization the stored part lacks ${String(stored?.[0])} rows`);
  const all = (await query(cluster, `${source} | project Request, Row`)).map((row) => row.map(String).join());
  const data = await cluster.data();
  const listed = data.exportHistory('db', 'C').artifacts.map(({ path }) => path);
  // Rows of runs that were killed may be there twice: of those that are listed each is in one.
  wrong.push(...compared('the continuous export', linesOf(cluster.directory, listed), all));
  wrong.push(...data.exportHistory('db', 'C').failures.map(({ details }) => `a run failed: ${details}`));
  const written = filesOf(cluster.directory);
  const part = linesOf(
    cluster.directory,
    written.filter((path) => !path.includes('/once/')),
  );
  wrong.push(...[...new Set(part)].filter((line) => !all.includes(line)).map((line) => `nobody sent the row ${line}`));
  const before = (await query(cluster, `${fixed} | project Request, Row`)).map((row) => row.map(String).join());
  for (const name of done)
    wrong.push(
      ...compared(
        name,
        linesOf(
          cluster.directory,
          written.filter((path) => path.includes(`/once/${encodeURIComponent(name)}/`)),
        ),
        before,
      ),
    );
  const told = new Set(readNotes(cluster.directory));
  const untold = written.filter((path) => ![...told].some((container) => path.startsWith(container)));
  wrong.push(...untold.map((path) => `nobody was told of ${path}`));
  return [...wrong, ...plaintext(cluster.directory, all)];
}

function compared(what: string, found: readonly string[], wanted: readonly string[]): string[] {
  const [left, right] = [[...found].sort(), [...wanted].sort()];
  return left.join('\n') === right.join('\n')
    ? []
    : [`${what} has ${left.length} rows of ${right.length}: ${left.join(' ')}`];
}

/** Of the rows nothing is in the files of the cluster that can be read. */
function plaintext(directory: string, rows: readonly string[]): string[] {
  const texts = [...new Set(rows.map((row) => row.slice(0, row.lastIndexOf(','))))];
  const found = (folder: string): string[] => {
    const files = fs.readdirSync(join(directory, folder), { recursive: true, withFileTypes: true });
    const bytes = files
      .filter((file) => file.isFile())
      .map((file) => fs.readFileSync(join(file.parentPath, file.name)));
    return texts.filter((text) => bytes.some((file) => file.includes(text)));
  };
  // What the user's storage has shows that the search finds something.
  if (found(storageFolder).length === 0) return ['the search for plaintext finds nothing'];
  return ['state', 'extents'].flatMap((folder) => found(folder).map((text) => `${folder} has the text ${text}`));
}

async function query(cluster: KilledCluster, text: string): Promise<readonly (readonly unknown[])[]> {
  const data = await cluster.data();
  const execution = await cluster.queries.execute({
    ...{ text, database: 'db', catalog: data.kqlCatalog(), sources: data.sources() },
    now: ticksOfUnixMilliseconds(0),
  });
  return (await readResult(execution)).rows;
}

const caller: CommandContext['caller'] = {
  ...{ objectId: clusterId, tenantId: clusterId, displayName: 'tester', fqn: 'aadapp=tester;tenant' },
};
const now = instant(Date.UTC(2026, 0, 1));
const clock: Clock = {
  ...{ now: () => now, at: () => () => undefined, every: () => () => undefined },
  sleep: () => Promise.resolve(),
};

async function contextOf(cluster: KilledCluster): Promise<CommandContext> {
  return {
    ...{ data: await cluster.data(), engine: cluster.queries, database: 'db', caller, clock },
    ...{ randomBytes: systemRandomBytes, clusterRoles: ['AllDatabasesAdmin'], principals: [] },
    databases: [{ databaseId, name: 'db', roles: [] }],
    cluster: { name: 'contoso', uri: 'https://contoso', version: '1.2.3', builtAt: now, startedAt: now },
    ...{ clientRequestId: 'test', activityId: newGuid(systemRandomBytes), streamingIngestEnabled: true },
    ...{ purgeEnabled: true, requests: { cancel: () => Promise.resolve(0) }, background: () => undefined },
    exports: placesIn(cluster.directory),
  };
}

const storageFolder = 'storage';
const [blobsFolder, notesFile] = [join(storageFolder, 'blobs'), join(storageFolder, 'notes')];
const draftSuffix = '.draft';

/** Ends a line of the record of who was told. One that was half written has none, and the next one begins a line of its own. */
const noteEnd = ';';

/** A user's storage in files, and the record of who was told: each durable before it is acknowledged, a blob whole or not there at all. */
function placesIn(directory: string): ExportPlaces {
  return {
    ended: new AbortController().signal,
    tell: async ({ step, container }) => {
      if (step !== 'begun') return;
      fs.mkdirSync(join(directory, storageFolder), { recursive: true });
      await appendDurably(join(directory, notesFile), [Buffer.from(`\n${container}${noteEnd}`)]);
    },
    targetOf: (address) => {
      const name = address.split(';')[0] ?? '';
      const container = name.split('/').slice(0, 4).join('/');
      return {
        ...{ name, container },
        create: (blob) => {
          const path = `${name}/${blob}`;
          const pieces: Uint8Array[] = [];
          return Promise.resolve({
            path,
            write: (piece) => {
              pieces.push(Uint8Array.from(piece));
              return Promise.resolve();
            },
            finish: async () => {
              const file = fileOf(directory, path);
              fs.mkdirSync(join(file, '..'), { recursive: true });
              await appendDurably(file + draftSuffix, pieces);
              fs.renameSync(file + draftSuffix, file);
            },
          });
        },
      };
    },
  };
}

async function appendDurably(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const { O_APPEND, O_CREAT, O_WRONLY } = fs.constants;
  const handle = await fs.promises.open(path, O_APPEND | O_CREAT | O_WRONLY);
  try {
    for (const piece of pieces) await handle.write(piece, 0, piece.byteLength);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const fileOf = (directory: string, path: string): string =>
  join(
    directory,
    blobsFolder,
    ...path
      .replace('://', '/')
      .split('/')
      .map((part) => encodeURIComponent(part)),
  );

/** Addresses of all blobs that are there. */
function filesOf(directory: string): string[] {
  const below = join(directory, blobsFolder);
  if (!fs.existsSync(below)) return [];
  const files = fs.readdirSync(below, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile() && !file.name.endsWith(draftSuffix))
    .map((file) =>
      join(file.parentPath, file.name)
        .slice(below.length + 1)
        .split('/')
        .map(decodeURIComponent)
        .join('/'),
    )
    .map((path) => path.replace('/', '://'));
}

function linesOf(directory: string, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const file = fileOf(directory, path);
    const lines = fs.existsSync(file)
      ? fs.readFileSync(file, 'utf8').split('\r\n')
      : ['it is listed and not there', ''];
    return lines.pop() === '' ? lines : ['its last line is not whole'];
  });
}

function readNotes(directory: string): string[] {
  const file = join(directory, notesFile);
  const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : [];
  return lines.filter((line) => line.endsWith(noteEnd)).map((line) => line.slice(0, -noteEnd.length));
}

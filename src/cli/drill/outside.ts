import type { DrillStorage } from './drill-storage.ts';
import type { Outcome } from './outcome.ts';
import { outcomeOf, required } from './outcome.ts';
import { firstCell, rowsOf } from './result-cells.ts';
import type { Scene } from './scene.ts';
import { kusto, table } from './scene.ts';

/** What goes from the cluster to storage of the user's and from there into it, beside one way to lose the key. */
export interface OutsideWork {
  /** Asks for an export. */
  export(): Promise<Outcome>;
  /** What became of the export that had begun before. */
  finishExport(): Promise<Outcome>;
  /** Lets runs of the continuous export fall due, and asks about it. */
  continuousExport(): Promise<Outcome>;
  /** Asks for another ingestion behind the answer; the storage answers the one that had begun before. */
  ingestion(): Promise<Outcome>;
  /** After the key is back. @returns what was not as it must be */
  problemsAfter(): Promise<readonly string[]>;
  /** Of the time without the key. */
  problemsMeanwhile(): readonly string[];
}

/** Begins that work for each way. */
export type BeginOutside = (scene: Scene) => Promise<OutsideWork>;

const names = { facts: 'Outgoing', external: 'Outside', continuous: 'Continuous', copies: 'Copies' };
const folders = { asked: 'asked', running: 'running', continuous: 'continuous', source: 'source' };
const sourceRows = 3;
/** The continuous export falls due every minute. */
const dueSeconds = 90;
/** How often it is looked for what comes by itself; each look is a request. */
const looksMax = 600;

/** @param storage that the instance has mapped */
export async function prepareOutside(scene: Scene, storage: DrillStorage): Promise<BeginOutside> {
  const place = (path: string): string => `h@"${storage.address(path)}"`;
  const rows = Array.from({ length: sourceRows }, (_row, index) => `pump-${index},${index}\n`).join('');
  storage.put(`${folders.source}/rows.csv`, Buffer.from(rows));
  for (const command of [
    `.create tables ${names.facts} (Device: string, Celsius: real), ${names.copies} (Device: string, Celsius: real)`,
    `.create external table ${names.external} (Device: string, Celsius: real) kind=storage dataformat=csv (${place(folders.continuous)})`,
    `.create-or-alter continuous-export ${names.continuous} over (${names.facts}) to table ${names.external} with (intervalBetweenRuns=1m) <| ${names.facts}`,
  ])
    required(await kusto(scene, 'mgmt', command));
  const drill = { scene, storage, place, rowsSent: 0 };
  return () => begin(drill);
}

interface Drill {
  readonly scene: Scene;
  readonly storage: DrillStorage;
  readonly place: (path: string) => string;
  /** Into the table that is exported continuously, in all ways so far. */
  rowsSent: number;
}

async function begin(drill: Drill): Promise<OutsideWork> {
  const { scene, storage, place } = drill;
  const exportTo = (folder: string): string => `.export to csv (${place(folder)}) <| ${table}`;
  const ingest = `.ingest async into table ${names.copies} (${place(`${folders.source}/rows.csv`)}) with (format="csv")`;
  await sendFact(drill);
  required(await kusto(scene, 'mgmt', `.clear table ${names.copies} data`));

  storage.hold(folders.source);
  const operations = [firstCell(required(await kusto(scene, 'mgmt', ingest)).value)];
  storage.hold(folders.running);
  const exporting = kusto(scene, 'mgmt', exportTo(folders.running)).then(outcomeOf, (): Outcome => ({
    kind: 'cutOff',
    error: 'connection closed',
  }));
  await Promise.all([storage.waits(folders.source), storage.waits(folders.running)]);

  const blobs = (folder: string): number => storage.blobsIn(folder).size;
  const before = { asked: blobs(folders.asked), running: blobs(folders.running) };
  const meanwhile: string[] = [];
  /** @param kind of what came of it */
  const expectBlobs = (what: string, folder: string, were: number, { kind }: Outcome): void => {
    const are = blobs(folder);
    if (kind === 'served' && are === were && folder !== folders.continuous) meanwhile.push(`${what} left no blob.`);
    if (kind !== 'served' && are > were) meanwhile.push(`${what} left a blob though it was not served.`);
  };
  return {
    export: async () => {
      const outcome = outcomeOf(await kusto(scene, 'mgmt', exportTo(folders.asked)));
      expectBlobs('.export', folders.asked, before.asked, outcome);
      return outcome;
    },
    finishExport: async () => {
      storage.release(folders.running);
      const outcome = await exporting;
      expectBlobs('The running .export', folders.running, before.running, outcome);
      return outcome;
    },
    continuousExport: async () => {
      const were = blobs(folders.continuous);
      await scene.instance.pass(dueSeconds);
      const outcome = outcomeOf(await kusto(scene, 'mgmt', `.show continuous-export ${names.continuous}`));
      expectBlobs('The continuous export', folders.continuous, were, outcome);
      return outcome;
    },
    ingestion: async () => {
      storage.release(folders.source);
      const answer = await kusto(scene, 'mgmt', ingest);
      const outcome = outcomeOf(answer);
      if (outcome.kind === 'served') operations.push(firstCell(answer.value));
      return outcome;
    },
    problemsMeanwhile: () => meanwhile,
    problemsAfter: async () => [
      ...(await ingestionProblems(scene, operations.map(String))),
      ...(await exportProblems(drill, exportTo(folders.asked), folders.asked)),
      ...(await continuousProblems(drill)),
    ],
  };
}

async function sendFact(drill: Drill): Promise<void> {
  drill.rowsSent += 1;
  const device = `pump-${drill.rowsSent}`;
  required(await kusto(drill.scene, 'mgmt', `.ingest inline into table ${names.facts} <| ${device},1`));
}

/** The rows of each are there when it says so, and none otherwise. */
async function ingestionProblems(scene: Scene, operations: readonly string[]): Promise<readonly string[]> {
  const states: unknown[] = [];
  for (const operation of operations) states.push(await endOf(scene, operation));
  const wanted = sourceRows * states.filter((state) => state === 'Completed').length;
  const rows = firstCell(required(await kusto(scene, 'query', `${names.copies} | count`)).value);
  return rows === wanted && !states.includes('InProgress')
    ? []
    : [`The async ingestions ended as ${states.join(', ')}, with ${String(rows)} rows of ${wanted}.`];
}

async function endOf(scene: Scene, operation: string): Promise<unknown> {
  const ask = async (): Promise<unknown> =>
    firstCell(required(await kusto(scene, 'mgmt', `.show operations ${operation} | project State`)).value);
  let state = await ask();
  for (let looks = 0; state === 'InProgress' && looks < looksMax; looks += 1) state = await ask();
  return state;
}

async function exportProblems({ scene, storage }: Drill, command: string, folder: string): Promise<readonly string[]> {
  const were = storage.blobsIn(folder).size;
  const { kind, error } = outcomeOf(await kusto(scene, 'mgmt', command));
  if (kind !== 'served') return [`.export does not go on after the key is back (${error ?? 'no error'}).`];
  return storage.blobsIn(folder).size > were ? [] : ['.export left no blob after the key was back.'];
}

/** Every row has left once, those from before and one of afterwards. A run that was cut off may leave a blob that is not listed. */
async function continuousProblems(drill: Drill): Promise<readonly string[]> {
  const { scene, storage } = drill;
  await sendFact(drill);
  await scene.instance.pass(dueSeconds);
  const artifacts = `.show continuous-export ${names.continuous} exported-artifacts`;
  const told = async (): Promise<unknown> =>
    firstCell(required(await kusto(scene, 'mgmt', `${artifacts} | summarize sum(NumRecords)`)).value);
  let count = await told();
  // More than all of them is as wrong as it can be.
  for (let looks = 0; !(Number(count) >= drill.rowsSent) && looks < looksMax; looks += 1) {
    await scene.instance.pass(1);
    count = await told();
  }
  const listed = rowsOf(required(await kusto(scene, 'mgmt', `${artifacts} | project Path`)).value);
  const blobs = storage.blobsIn(folders.continuous);
  const lines = listed.flatMap(([path]) =>
    String(blobs.get(String(path)) ?? '')
      .trim()
      .split(/\r?\n/),
  );
  const isOnce = new Set(lines).size === lines.length && lines.length === drill.rowsSent;
  return count === drill.rowsSent && isOnce
    ? []
    : [`Of ${drill.rowsSent} rows the continuous export has listed ${String(count)}, in blobs of ${lines.length}.`];
}

import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { Turns } from '../../base/turns.ts';
import { dataError } from '../catalog/data-error.ts';
import type { DataSource } from './data-source.ts';
import { checkpointActions } from './delta-checkpoint.ts';
import type { DeltaSchema } from './delta-schema.ts';
import type { DeltaFile } from './delta-state.ts';
import { DeltaState } from './delta-state.ts';
import { notBuiltOfDelta, notDelta, tooMuchDelta } from './delta-wrong.ts';
import type { ExternalTableParts } from './external-rows.ts';
import { textRecords } from './text-records.ts';
import { textWindows } from './text-windows.ts';
import { unpacked } from './unpacked.ts';

/** A Delta table as of its latest version. */
export interface DeltaTable {
  readonly version: number;
  readonly schema: DeltaSchema;
  readonly files: readonly DeltaFile[];
}

/** Of what lies in the folder of the log. */
const entriesMax = 200_000;
/** That are read: writers make a checkpoint every ten or hundred. */
const commitsMax = 10_000;
const commitBytesMax = 1024 ** 3;
/** UTF-16 units that are read before others have their turn. */
const unitsPerTurn = 256 * 1024;

const logFolder = '_delta_log/';

/** Reads the log of a Delta table: the last whole checkpoint, and the commits since.
 * @param folder the root of the table
 * @throws DataError, KqlError
 * @see https://github.com/delta-io/delta/blob/master/PROTOCOL.md */
export async function readDeltaTable(
  parts: ExternalTableParts,
  folder: DataSource,
  signal: AbortSignal | undefined,
): Promise<DeltaTable> {
  const { checkpoint, commits } = latest(await listLog(folder, signal));
  const state = new DeltaState();
  for (const { source } of checkpoint?.parts ?? [])
    for await (const action of checkpointActions(parts, source, signal)) state.apply(action);
  const turns = new Turns(unitsPerTurn);
  let bytes = 0;
  for (const { source } of commits)
    for await (const line of lines(source, signal, (more) => {
      if ((bytes += more) > commitBytesMax)
        throw tooMuchDelta(`more than ${commitBytesMax / 1024 ** 2} MiB of commits since its last checkpoint`);
    })) {
      state.apply(parsed(line));
      await turns.after(line.length);
    }
  const version = commits.at(-1)?.version ?? checkpoint?.version ?? 0;
  return { version, ...state.finish() };
}

interface LogFile {
  readonly version: number;
  readonly source: DataSource;
}

interface Checkpoint {
  readonly version: number;
  readonly parts: readonly LogFile[];
}

interface Log {
  readonly commits: readonly LogFile[];
  readonly checkpoints: readonly Checkpoint[];
  /** Of the latest checkpoint in the form that has a name of its own. */
  readonly secondForm: number | undefined;
}

async function listLog(folder: DataSource, signal: AbortSignal | undefined): Promise<Log> {
  if (folder.below === undefined)
    throw dataError('SourceNotAllowed', `The source '${folder.name}' is not read: it has no list of files.`);
  const commits: LogFile[] = [];
  const parts = new Map<string, LogFile[]>();
  let secondForm: number | undefined;
  let listed = 0;
  for await (const { path, source } of folder.below(logFolder, signal)) {
    signal?.throwIfAborted();
    if ((listed += 1) > entriesMax) throw tooMuchDelta(`more than ${entriesMax} files in its log`);
    const found =
      /^_delta_log\/(\d{20})\.(?:(json)|checkpoint(?:\.(\d{10}\.\d{10}))?\.parquet|checkpoint\.([\w-]{8,64})\.(?:json|parquet))$/.exec(
        path,
      );
    if (found === null) continue;
    const [, digits = '', commit, , named] = found;
    const version = Number(digits);
    if (!Number.isSafeInteger(version)) throw notDelta('a version of its log is out of range');
    if (commit !== undefined) commits.push({ version, source });
    else if (named !== undefined) secondForm = Math.max(secondForm ?? 0, version);
    else {
      const total = found[3]?.split('.')[1] ?? '';
      const group = `${digits}.${total}`;
      const before = parts.get(group);
      if (before === undefined) parts.set(group, [{ version, source }]);
      else before.push({ version, source });
    }
  }
  const checkpoints = [...parts].flatMap(([group, files]): Checkpoint[] => {
    const total = group.split('.')[1] ?? '';
    return files.length === (total === '' ? 1 : Number(total))
      ? [{ version: files[0]?.version ?? 0, parts: files }]
      : [];
  });
  return { commits, checkpoints, secondForm };
}

/** @throws DataError `MalformedData` where a version is missing; KqlError `notSupported` where it is in a checkpoint of the second form */
function latest({ commits, checkpoints, secondForm }: Log): {
  readonly checkpoint: Checkpoint | undefined;
  readonly commits: readonly LogFile[];
} {
  const byVersion = (left: { version: number }, right: { version: number }): number => left.version - right.version;
  const checkpoint = [...checkpoints].sort(byVersion).at(-1);
  const first = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const since = commits.filter(({ version }) => version >= first).sort(byVersion);
  if (checkpoint === undefined && since.length === 0 && secondForm === undefined)
    throw notDelta('it has no log in the folder _delta_log');
  if (
    since.some(({ version }, index) => version !== first + index) ||
    (checkpoint === undefined && since.length === 0)
  ) {
    if (secondForm !== undefined && secondForm >= first) throw notBuiltOfDelta("The reader feature 'v2Checkpoint'");
    throw notDelta('a version of its log is missing');
  }
  if (since.length > commitsMax) throw tooMuchDelta(`more than ${commitsMax} commits since its last checkpoint`);
  return { checkpoint, commits: since };
}

async function* lines(
  source: DataSource,
  signal: AbortSignal | undefined,
  tellBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  for await (const { stream } of unpacked(source, { signal, tellBytes }))
    for await (const records of textWindows(stream, textRecords({ kind: 'text', whole: false })))
      for (const record of records) if (record?.fields?.[0] !== undefined) yield record.fields[0];
}

function parsed(line: string): JsonObject {
  let action: unknown;
  try {
    action = JSON.parse(line);
  } catch {
    throw notDelta('a line of its log is no JSON');
  }
  if (!isJsonObject(action)) throw notDelta('a line of its log is no action');
  return action;
}

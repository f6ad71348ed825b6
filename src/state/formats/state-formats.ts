import { invariant } from '../../base/invariant.ts';
import { advertisedSql, heartbeatSql, nodesSql, recordsSql } from './postgres-schema.ts';

/** A form of a state, wherever it is kept: one number for tables of a database, forms of records, and what lies in files of SQLite. */
export interface StateFormat {
  readonly format: number;
  /** What it has that the one before has not, for whoever decides to go on. */
  readonly says: string;
  /** Statements that make it of the one before; empty: nothing is made, records of a new form come in. */
  readonly postgres: string;
  readonly sqlite?: string;
}

/** Up to here a state is brought when it is opened, since nodes did not tell what they know. From here on two formats are known by each
 * version, and the newer is written after `kustody upgrade finish`. */
export const firstAgreedFormat = 4;

/** From here on extents that are merged no more may lie in pages (`database/catalog/extent-page`): nothing is made, records of a new form come. */
export const extentPagesFormat = 5;

/** All of them, one after the other. Whoever adds one keeps reading the one before, and asks `StoredFormat.written` which of the two to write. */
export const stateFormats: readonly StateFormat[] = [
  { format: 1, says: 'records', postgres: recordsSql },
  { format: 2, says: 'nodes that take over, and digest trees in files', postgres: heartbeatSql },
  { format: 3, says: 'nodes that pass connections on', postgres: advertisedSql },
  { format: firstAgreedFormat, says: 'nodes that tell which formats they know', postgres: nodesSql },
  { format: extentPagesFormat, says: 'extents in pages', postgres: '' },
];

/** The newest that a version with these formats writes. */
export const newestOf = (formats: readonly StateFormat[]): number => formats.at(-1)?.format ?? 0;

/** The oldest that it serves as it is: the one before the newest. */
export const oldestOf = (formats: readonly StateFormat[]): number => Math.max(firstAgreedFormat, newestOf(formats) - 1);

/** What makes one of another, in order. */
export const stepsBetween = (formats: readonly StateFormat[], from: number, to: number): readonly StateFormat[] =>
  formats.filter(({ format }) => format > from && format <= to);

/** Which format a state has once it is opened, before anybody says so.
 * @param found undefined: a new one @param isCopy of a new one: it takes on that of what is copied, later
 * @throws StateFormatTooOldError, or what `tooNew` makes */
export function openedFormat(
  formats: readonly StateFormat[],
  found: number | undefined,
  { name, tooNew, isCopy = false }: { name: string; tooNew: (newest: number) => Error; isCopy?: boolean },
): number {
  if (found === undefined) return isCopy ? oldestOf(formats) : newestOf(formats);
  if (found > newestOf(formats)) throw tooNew(newestOf(formats));
  const brought = Math.max(found, firstAgreedFormat);
  if (brought < oldestOf(formats)) throw new StateFormatTooOldError(name, found, oldestOf(formats));
  return brought;
}

/** What a node knows. */
export interface FormatRange {
  readonly oldest: number;
  readonly newest: number;
}

export interface RegisteredNode extends FormatRange {
  /** Of its data directory; missing where there can be only one. */
  readonly id?: string;
  readonly host: string;
  readonly version: string;
  /** It serves the state, by the one that tells. */
  readonly serves: boolean;
  /** Milliseconds since it was heard of. */
  readonly silentMs: number;
}

/** So long ago a node that lives has told of itself at most: it does so every five seconds. */
export const liveMsMax = 15_000;
export const isLive = ({ silentMs }: RegisteredNode): boolean => silentMs <= liveMsMax;

/** What is said of nodes that something waits for: they may be killed ones, and until when those count. */
export function whileKilledCount(nodes: readonly Pick<RegisteredNode, 'silentMs'>[]): string {
  const heardMs = Math.min(...nodes.map(({ silentMs }) => silentMs));
  const seconds = Math.max(Math.ceil((liveMsMax - heardMs) / 1000), 1);
  return `one that was killed counts for ${seconds} second${seconds === 1 ? '' : 's'} more, then try again`;
}

/** The format of an opened state. */
export interface StoredFormat {
  /** All that are known. */
  readonly formats: readonly StateFormat[];
  /** What records and tables are written in; it only grows. */
  readonly written: number;
  /** Everybody who serves the state or stands by for it, and who did within a day. */
  nodes(): Promise<readonly RegisteredNode[]>;
  /** To the next format: all or nothing, durable when it resolves. It says nothing to go on with what is written already.
   * @throws NodesKnowLessError when a node that lives does not know it: then nothing has changed */
  raise(step: StateFormat): Promise<void>;
}

/** Raises step by step. */
export async function raiseTo(stored: StoredFormat, to = newestOf(stored.formats)): Promise<void> {
  for (const step of stepsBetween(stored.formats, stored.written, to)) await stored.raise(step);
  invariant(stored.written >= to, 'what is copied has a format that is known');
}

export class NodesKnowLessError extends Error {
  override readonly name = 'NodesKnowLessError';
  constructor(
    format: number,
    nodes: readonly Pick<RegisteredNode, 'host' | 'id' | 'newest' | 'silentMs' | 'version'>[],
  ) {
    const all = nodes.map(
      ({ host, id, newest, version }) =>
        `${host}${id === undefined ? '' : ` (${id})`} with version ${version} knows formats up to ${newest}`,
    );
    super(
      `Format ${format} is not known by all nodes: ${all.join('; ')}. Stop those, or give them a newer Kustody; ${whileKilledCount(nodes)}.`,
    );
  }
}

/** An older Kustody wrote the state, and another has to go between. */
export class StateFormatTooOldError extends Error {
  override readonly name = 'StateFormatTooOldError';
  constructor(state: string, found: number, oldest: number) {
    super(
      `The state ${state} has format ${found}; this Kustody knows formats from ${oldest} on. Serve it with a Kustody in between, and give 'kustody upgrade finish' there.`,
    );
  }
}

import { open } from 'node:fs/promises';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { DataError } from '../catalog/data-error.ts';
import { tooManyRecords } from './read-batch.ts';
import type { ExtentFiles, PlainFile } from '../extents/extent-files.ts';
import { collect } from '../extents/collect.ts';
import { columnName } from '../extents/tail-table.ts';
import type { DelimitedRules } from './delimited-reader.ts';
import { readDelimited } from './delimited-reader.ts';
import { constantSql, nothing } from './parquet-select.ts';
import { quoted } from './parquet-convert.ts';
import type { LineEnd } from './record-blocks.ts';
import { blockBytes, neverInText, recordBlocks, UnlikeTextError } from './record-blocks.ts';
import { isUnlikeText, namesColumn, textColumn } from './text-columns.ts';
import type { ReadColumn, ReadOptions } from './value-reader.ts';

/** Text that waits in files in memory until the engine reads it. */
const waitingBytesMax = 8 * blockBytes;
const fieldsMax = 1_000;
/** Of what is longer; the engine's own limit. */
const lineBytesMax = 2_000_000;

/** Texts without a frequent form whose values are told to the engine: of all columns together, and bytes of each. */
const toldMax = 256;
const toldBytesMax = 1_000;

const table = 'engine_rows';
const newLine = 0x0a;

/** Of a block, to tell about how many records it has. */
const sampleBytes = 64 * 1024;

export interface EngineTextOptions extends Pick<ReadOptions, 'format' | 'columns' | 'mapping' | 'ignoreFirstRecord'> {
  /** Where rows are taken part by part, whoever takes them counts. */
  readonly rowsMax: number;
  /** Takes the rows that this SQL, or what `again` gives when it fails, reads; they are gone afterwards. Absent: all are kept. */
  readonly takePart?: ((sql: string) => Promise<void>) | undefined;
  readonly partMax: { readonly values: number; readonly bytes: number };
}

/** Whether the engine itself can read the text, as long as what is in it is like most text. */
export function isForEngine({
  format: { reader },
  columns,
  mapping,
  constantFields,
}: Pick<ReadOptions, 'format' | 'columns' | 'mapping' | 'constantFields'>): boolean {
  if (reader.kind !== 'delimited' || reader.rules.escaping !== 'quotes' || constantFields === true) return false;
  if (columns.length === 0) return false;
  return (
    mapping?.every(
      ({ source, transform }) => transform === undefined && (source.kind === 'ordinal' || source.kind === 'constant'),
    ) ?? true
  );
}

/** Reads delimited text with the engine, which sees it in files in memory, as columns. It gives what the readers of records and values give, or
 * says that the text is unlike and has to be read with them. Its rows keep their order. A few texts without a frequent form do not make all
 * unlike: they are looked for when a statement has failed, and the engine is told their values. */
export class EngineText {
  readonly #connection: EngineConnection;
  readonly #files: Pick<ExtentFiles, 'create'>;
  readonly #options: EngineTextOptions;
  readonly #rules: DelimitedRules;
  #waiting: PlainFile[] = [];
  #waitingBytes = 0;
  #waitingValues = 0;
  #allBytes = 0;
  #fieldCount: number | undefined;
  #lineEnd: LineEnd | undefined;
  #hasTable = false;
  /** Values in SQL of texts, by columns. */
  readonly #told = new Map<number, Map<string, string>>();

  constructor(connection: EngineConnection, files: Pick<ExtentFiles, 'create'>, options: EngineTextOptions) {
    this.#connection = connection;
    this.#files = files;
    this.#options = options;
    const { reader } = options.format;
    if (reader.kind !== 'delimited') throw new TypeError('The engine reads delimited text.');
    this.#rules = reader.rules;
  }

  /** @returns whether it had a record @throws UnlikeTextError, DataError `PayloadTooLarge` */
  async add(pieces: AsyncIterable<Uint8Array>): Promise<boolean> {
    let isFirst = true;
    let bytes = 0;
    for await (const block of recordBlocks(pieces, this.#rules.delimiter)) {
      const start = isFirst && this.#options.ignoreFirstRecord ? block.firstEnd : 0;
      isFirst = false;
      if (start === block.bytes.byteLength) continue;
      bytes += block.bytes.byteLength - start;
      await this.#put(block.bytes.subarray(start), block.lineEnd);
    }
    return bytes > 0;
  }

  /** @returns what reads all rows, in the physical types of their columns
   * @throws UnlikeTextError, DataError `PayloadTooLarge` */
  async finish(): Promise<string> {
    const { columns, rowsMax, takePart } = this.#options;
    // A record has two bytes at least.
    const fits = takePart !== undefined || this.#allBytes <= rowsMax * 2;
    if (!this.#hasTable && fits && this.#waiting.length > 0) return this.#select();
    await this.#load();
    if (!this.#hasTable)
      return `SELECT ${columns.map(({ columnId, type }) => `${nothing(type)} AS ${columnName(columnId)}`).join(', ')} LIMIT 0`;
    return `SELECT * FROM ${table}`;
  }

  /** Once what `finish` gave has failed. @returns what reads the rows all the same; undefined when nothing more can be told to the engine */
  async again(error: unknown): Promise<string | undefined> {
    if (!(unlikeFailure(error) instanceof UnlikeTextError) || this.#waiting.length === 0) return undefined;
    return (await this.#tell()) ? this.#select() : undefined;
  }

  async discard(): Promise<void> {
    for (const file of this.#waiting.splice(0)) await file.discard();
  }

  async #put(bytes: Uint8Array, lineEnd: LineEnd): Promise<void> {
    const { takePart, partMax } = this.#options;
    const more = this.#waitingBytes + bytes.byteLength;
    if (takePart === undefined && more > waitingBytesMax) await this.#load();
    const isPart = more > partMax.bytes || this.#waitingValues >= partMax.values;
    if (takePart !== undefined && isPart && this.#waiting.length > 0) await this.#give(takePart);
    this.#waitingValues += recordsIn(bytes) * this.#options.columns.length;
    this.#fieldCount ??= fieldCountOf(bytes, this.#rules);
    const isUnlike = (this.#lineEnd ??= lineEnd) !== lineEnd || this.#fieldCount > fieldsMax || beginsWithMark(bytes);
    if (isUnlike) throw new UnlikeTextError();
    const file = await this.#files.create();
    this.#waiting.push(file);
    this.#waitingBytes += bytes.byteLength;
    this.#allBytes += bytes.byteLength;
    const handle = await open(file.path, 'w');
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  }

  async #give(takePart: (sql: string) => Promise<void>): Promise<void> {
    await takePart(this.#select());
    [this.#waitingBytes, this.#waitingValues] = [0, 0];
    await this.discard();
  }

  /** Takes what waits into a table in memory. Too many records are said here: the other readers would count as many, at many times the cost. */
  async #load(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const target = this.#hasTable ? `INSERT INTO ${table}` : `CREATE TEMP TABLE ${table} AS`;
    try {
      await this.#connection.run(`${target} ${this.#select()}`).catch(async (error: unknown) => {
        const select = await this.again(error);
        if (select === undefined) throw error;
        await this.#connection.run(`${target} ${select}`);
      });
    } catch (error) {
      throw unlikeFailure(error);
    }
    this.#hasTable = true;
    this.#waitingBytes = 0;
    await this.discard();
    const [counted] = await collect(this.#connection, `SELECT count(*) FROM ${table}`);
    if (Number(counted?.[0]) > this.#options.rowsMax) throw tooManyRecords(this.#options.rowsMax);
  }

  /** Looks for texts that have no frequent form.
   * @returns whether there were some, and not too many, and all have values that can be told */
  async #tell(): Promise<boolean> {
    const { columns } = this.#options;
    const { fields, from } = this.#text();
    const found = fields.map(({ index, type, field, names }) => ({
      index,
      field,
      is: isUnlikeText(type, field, names),
    }));
    if (found.length === 0) return false;
    const texts = found.map(
      ({ index, field, is }) =>
        `CASE WHEN ${is} THEN {'column': ${index}, 'text': CASE WHEN strlen(${field}) <= ${toldBytesMax} THEN ${field} END} END`,
    );
    const sql = `SELECT DISTINCT found.column, found.text FROM (SELECT unnest([${texts.join(', ')}]) AS found FROM ${from}
      WHERE ${found.map(({ is }) => `(${is})`).join(' OR ')}) WHERE found IS NOT NULL LIMIT ${toldMax + 1}`;
    try {
      const rows = await collect(this.#connection, sql);
      if (rows.length === 0) return false;
      for (const [index, text] of rows) {
        const column = columns[Number(index)];
        if (column === undefined || typeof text !== 'string') return false;
        const told = this.#told.get(Number(index)) ?? new Map<string, string>();
        this.#told.set(Number(index), told.set(text, constantSql(column.type, text)));
      }
    } catch (error) {
      if (error instanceof DataError || unlikeFailure(error) instanceof UnlikeTextError) return false;
      throw error;
    }
    return [...this.#told.values()].reduce((sum, { size }) => sum + size, 0) <= toldMax;
  }

  #select(): string {
    const { columns } = this.#options;
    const { fields, fixed, from } = this.#text();
    const read = new Map(
      fields.map(({ index, type, field, names }) => [
        index,
        textColumn(type, field, names, this.#told.get(index) ?? new Map()),
      ]),
    );
    const outputs = columns.map(
      ({ columnId, type }, index) =>
        `${read.get(index) ?? fixed.get(index) ?? nothing(type)} AS ${columnName(columnId)}`,
    );
    return `SELECT ${outputs.join(', ')} FROM ${from}`;
  }

  /** What waits, as text: which columns are of which field, which are the same for all records, and SQL of the fields. */
  #text(): {
    readonly fields: readonly TextField[];
    readonly fixed: ReadonlyMap<number, string>;
    readonly from: string;
  } {
    const { columns, mapping } = this.#options;
    const fieldCount = this.#fieldCount ?? 0;
    /** Names in the bags of dynamic columns. */
    const given = new Map<string, string>();
    const fixed = new Map<number, string>();
    const fields: TextField[] = [];
    for (const [index, column] of columns.entries()) {
      const source = sourceOf(column, index, fieldCount, mapping);
      if (typeof source === 'string') {
        fixed.set(index, source);
        continue;
      }
      const [field, names] = [`f${source.ordinal}`, `n${source.ordinal}`];
      if (column.type === 'dynamic') given.set(names, namesColumn(field));
      fields.push({ index, type: column.type, field, names });
    }
    const inputs = ['*', ...[...given].map(([name, sql]) => `${sql} AS ${name}`)].join(', ');
    const types = Array.from({ length: fieldCount }, (_each, index) => `f${index}: 'VARCHAR'`);
    const files = this.#waiting.map(({ path }) => quoted(path));
    const how = [
      `auto_detect = false, header = false, compression = 'none', columns = {${types.join(', ')}}`,
      `delim = ${quoted(this.#rules.delimiter)}, quote = '"', escape = '"', nullstr = ${quoted(neverInText)}`,
      'strict_mode = true, null_padding = false',
      `max_line_size = ${lineBytesMax}, buffer_size = ${blockBytes}`,
    ];
    return { fields, fixed, from: `(SELECT ${inputs} FROM read_csv([${files.join(', ')}], ${how.join(', ')}))` };
  }
}

/** A column that is read from a field, both as SQL knows them. */
interface TextField {
  readonly index: number;
  readonly type: KqlType;
  readonly field: string;
  readonly names: string;
}

/** What the engine says of text that it cannot read so: it is unlike. @returns the error to throw */
export function unlikeFailure(error: unknown): unknown {
  const isOfText = error instanceof KqlError && error.code !== 'cancelled' && error.code !== 'memory';
  return isOfText ? new UnlikeTextError() : error;
}

/** About how many. */
function recordsIn(bytes: Uint8Array): number {
  const sample = bytes.subarray(0, sampleBytes);
  let lines = 1;
  for (let at = sample.indexOf(newLine); at >= 0; at = sample.indexOf(newLine, at + 1)) lines += 1;
  return (lines * bytes.byteLength) / sample.byteLength;
}

/** The engine would leave out a byte order mark at the beginning of each file. */
const beginsWithMark = (bytes: Uint8Array): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

function fieldCountOf(bytes: Uint8Array, rules: DelimitedRules): number {
  for (let length = 4_096; ; length *= 4) {
    const text = new TextDecoder().decode(bytes.subarray(0, length));
    const isAll = length >= bytes.byteLength;
    try {
      for (const record of readDelimited(text, rules))
        if (record !== undefined && (isAll || record.end < text.length)) return record.fields.length;
    } catch {
      // cut in a quoted field
    }
    if (isAll) throw new UnlikeTextError();
  }
}

/** @returns SQL of a value that is the same for all, or which field it is */
function sourceOf(
  { name, type }: ReadColumn,
  index: number,
  fieldCount: number,
  mapping: ReadOptions['mapping'],
): string | { readonly ordinal: number } {
  const source = mapping === undefined ? undefined : mapping.find(({ column }) => column === name)?.source;
  if (mapping !== undefined && source === undefined) return nothing(type);
  if (source?.kind === 'constant') return constantSql(type, source.text);
  const ordinal = source?.kind === 'ordinal' ? source.ordinal : index;
  return ordinal < fieldCount ? { ordinal } : nothing(type);
}

/** Types of columns that a file can be read as. */
export const columnTypes = [
  'string',
  'long',
  'real',
  'bool',
  'datetime',
  'timespan',
  'guid',
  'decimal',
  'dynamic',
  'int',
] as const;
export type ColumnType = (typeof columnTypes)[number];

/** A column of a file, with what the first rows have in it. */
export interface SourceColumn {
  /** As the file names it. */
  readonly name: string;
  readonly type: ColumnType;
  readonly samples: readonly string[];
}

/** The first rows of a file, read in the page: no more than `previewBytes` of it. */
export interface Preview {
  readonly columns: readonly SourceColumn[];
  /** What the file has in the way of rows, where it says so. */
  readonly rows?: number;
}

/** The file is not what its format asks for. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}

export const columnsMax = 500;
export const sampleRows = 5;

/** What all of the texts can be read as. Nothing is told from no text. */
export function typeOf(texts: readonly string[]): ColumnType {
  const told = texts.filter((text) => text !== '');
  if (told.length === 0) return 'string';
  const rows: readonly (readonly [ColumnType, RegExp])[] = [
    ['bool', /^(?:true|false)$/i],
    ['long', /^-?\d{1,18}$/],
    ['real', /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i],
    ['datetime', /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/],
    ['guid', /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i],
    ['dynamic', /^(?:\{[\s\S]*\}|\[[\s\S]*\])$/],
  ];
  return rows.find(([, pattern]) => told.every((text) => pattern.test(text)))?.[0] ?? 'string';
}

/** The type of a Parquet field, as DuckDB describes it: `STRUCT(a INTEGER, "b c" VARCHAR[])[]`. */
export type ParquetType =
  /** `repeats`: the file has a dictionary of the values, and far fewer of them than rows. */
  | { readonly kind: 'scalar'; readonly name: string; readonly repeats?: true }
  /** `isPartial`: the engine's own has more members. */
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, ParquetType>; readonly isPartial?: true }
  | { readonly kind: 'list'; readonly item: ParquetType }
  | { readonly kind: 'map'; readonly key: ParquetType; readonly value: ParquetType };

/** What values of the type are, in Parquet's own words; the keys of the table of conversions. */
export type ParquetKind =
  | ('INT' | 'UINT64' | 'FLOAT' | 'BOOLEAN' | 'DECIMAL' | 'DECIMAL (FLBA)' | 'TIMESTAMP' | 'DATE' | 'TIME')
  | ('STRING' | 'UUID' | 'JSON' | 'LIST' | 'MAP' | 'STRUCT');

const scalarKinds: Readonly<Record<string, ParquetKind>> = {
  TINYINT: 'INT',
  SMALLINT: 'INT',
  INTEGER: 'INT',
  BIGINT: 'INT',
  UTINYINT: 'INT',
  USMALLINT: 'INT',
  UINTEGER: 'INT',
  UBIGINT: 'UINT64',
  FLOAT: 'FLOAT',
  DOUBLE: 'FLOAT',
  BOOLEAN: 'BOOLEAN',
  TIMESTAMP: 'TIMESTAMP',
  TIMESTAMP_S: 'TIMESTAMP',
  TIMESTAMP_MS: 'TIMESTAMP',
  TIMESTAMP_NS: 'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE': 'TIMESTAMP',
  DATE: 'DATE',
  TIME: 'TIME',
  'TIME WITH TIME ZONE': 'TIME',
  VARCHAR: 'STRING',
  UUID: 'UUID',
  JSON: 'JSON',
};

/** Decimals of more digits are arrays of bytes in the file. */
const wholeNumberDigits = 18;

/** @returns undefined for a type that nothing can be made of */
export function kindOf(type: ParquetType): ParquetKind | undefined {
  if (type.kind !== 'scalar') return ({ struct: 'STRUCT', list: 'LIST', map: 'MAP' } as const)[type.kind];
  const digits = /^DECIMAL\((\d+),\d+\)$/.exec(type.name)?.[1];
  if (digits !== undefined) return Number(digits) > wholeNumberDigits ? 'DECIMAL (FLBA)' : 'DECIMAL';
  return Object.hasOwn(scalarKinds, type.name) ? scalarKinds[type.name] : undefined;
}

export function parseParquetType(text: string): ParquetType {
  const items = /^([\s\S]*)\[\d*\]$/.exec(text)?.[1];
  if (items !== undefined) return { kind: 'list', item: parseParquetType(items) };
  const nested = /^(STRUCT|MAP)\(([\s\S]*)\)$/.exec(text);
  if (nested === null) return { kind: 'scalar', name: text };
  const parts = splitOutside(nested[2] ?? '');
  if (nested[1] === 'MAP') {
    const [key = '', value = ''] = parts;
    return { kind: 'map', key: parseParquetType(key), value: parseParquetType(value) };
  }
  return { kind: 'struct', fields: new Map(parts.map(parseField)) };
}

function parseField(text: string): [string, ParquetType] {
  const [, quoted, plain, type = ''] = /^(?:"((?:[^"]|"")*)"|([^ ]+)) ([\s\S]*)$/.exec(text) ?? [];
  return [quoted?.replaceAll('""', '"') ?? plain ?? '', parseParquetType(type)];
}

/** Splits at commas that are in neither brackets nor quotes. */
function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...parts, text.slice(start).trim()].filter((part) => part !== '');
}

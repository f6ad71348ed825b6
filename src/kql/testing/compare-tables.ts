/** Compares a result with one recorded from Microsoft's engine. Values come in the JSON form clients get. */
export interface ExpectedTable {
  readonly error?: boolean;
  readonly columns?: readonly string[];
  readonly types?: readonly string[];
  readonly rows?: readonly (readonly unknown[])[];
  readonly rowCount?: number;
}
export interface ActualTable {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** @returns undefined when they agree, else what differs */
export function difference(actual: ActualTable, expected: ExpectedTable, query: string): string | undefined {
  const names = expected.columns ?? [];
  const shown = actual.columns.map((column) => column.name);
  if (JSON.stringify(shown) !== JSON.stringify(names))
    return `columns ${shown.join(', ')}; expected ${names.join(', ')}`;
  const wrongType = actual.columns.find((column, index) => !sameType(column.type, expected.types?.[index]));
  if (wrongType) return `type of ${wrongType.name}: ${wrongType.type}`;
  const rows = expected.rows ?? [];
  const count = expected.rowCount ?? rows.length;
  if (actual.rows.length !== count) return `${actual.rows.length} rows; expected ${count}`;
  const types = actual.columns.map((column) => column.type);
  const isSet =
    /\b(make_set|make_list|set_\w+|makeset|makelist|bag_keys|treepath|buildschema)/.test(query) &&
    !/array_sort/.test(query);
  const same = (left: readonly unknown[], right: readonly unknown[]): boolean =>
    types.every((type, index) => sameValue(left[index] ?? null, right[index] ?? null, type, isSet));
  if (rows.every((row, index) => same(actual.rows[index] ?? [], row))) return undefined;
  const left = [...actual.rows];
  for (const row of rows) {
    const found = left.findIndex((candidate) => same(candidate, row));
    if (found < 0) return `row ${JSON.stringify(row)} is missing`;
    left.splice(found, 1);
  }
  return endsInOrder(query) && !hasTies(actual, query) ? 'the order of the rows' : undefined;
}

const sameType = (actual: string, expected: string | undefined): boolean =>
  expected === undefined ||
  actual === expected ||
  (expected === 'integer' && (actual === 'int' || actual === 'long')) ||
  (expected === 'number' && (actual === 'real' || actual === 'decimal'));

/** Whether the last operator that decides about order is a sort. */
function endsInOrder(query: string): boolean {
  const operators = query.split('|').map((part) => part.trim());
  const last = operators.findLastIndex((part) => /^(sort|order|top)\b/.test(part));
  const mixer = operators.findLastIndex((part) =>
    /^(summarize|distinct|join|union|lookup|make-series|evaluate|mv-apply|partition|sample|top-nested|top-hitters|search)\b/.test(
      part,
    ),
  );
  return last > mixer;
}

/** Rows with equal sort keys may come in any order. */
function hasTies(actual: ActualTable, query: string): boolean {
  const by =
    /(?:sort|order|top)\b[^|]*?\bby\s+([^|]*)$/s.exec(
      query.split('|').findLast((part) => /^\s*(sort|order|top)\b/.test(part)) ?? '',
    )?.[1] ?? '';
  const keys = by.split(',').map((key) => key.trim().split(/\s/)[0] ?? '');
  const indexes = keys.map((key) => actual.columns.findIndex((column) => column.name === key));
  if (indexes.includes(-1)) return true;
  const seen = actual.rows.map((row) => JSON.stringify(indexes.map((index) => row[index])));
  return new Set(seen).size < seen.length;
}

function sameValue(actual: unknown, expected: unknown, type: string, isSet: boolean): boolean {
  if (actual === null || expected === null)
    return actual === expected || (type === 'dynamic' && expected === null && actual === 'null');
  switch (type) {
    case 'int':
    case 'long':
      return textOf(actual) === textOf(expected);
    case 'real':
    case 'decimal':
      return closeNumbers(Number(actual), Number(expected));
    case 'datetime':
      return ticksText(actual) === ticksText(expected);
    case 'timespan':
      return spanText(actual) === spanText(expected);
    case 'dynamic':
      return sameJson(parsed(actual), typeof expected === 'string' ? parsed(expected) : expected, isSet);
    default:
      return textOf(actual) === textOf(expected);
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const closeNumbers = (a: number, b: number): boolean =>
  Object.is(a, b) ||
  a === b ||
  (Number.isNaN(a) && Number.isNaN(b)) ||
  Math.abs(a - b) <= 5e-6 * Math.max(Math.abs(a), Math.abs(b)) ||
  Math.max(Math.abs(a), Math.abs(b)) < 1e-12;

const ticksText = (value: unknown): string =>
  String(value)
    .replace(/Z$/, '')
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
const spanText = (value: unknown): string => String(value).replace(/(\.\d{3}\d*?)0+$/, '$1');

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function sameJson(a: unknown, b: unknown, isSet: boolean): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return false;
    if (a.every((item, index) => sameJson(item, b[index], isSet))) return true;
    if (!isSet) return false;
    const left: unknown[] = [...(b as unknown[])];
    return a.every((item) => {
      const found = left.findIndex((candidate) => sameJson(item, candidate, isSet));
      if (found >= 0) left.splice(found, 1);
      return found >= 0;
    });
  }
  if (
    typeof a === 'object' &&
    typeof b === 'object' &&
    a !== null &&
    b !== null &&
    !Array.isArray(a) &&
    !Array.isArray(b)
  ) {
    const [x, y] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    return x.size === y.size && [...x].every(([key, item]) => y.has(key) && sameJson(item, y.get(key), isSet));
  }
  if (typeof a === 'number' || typeof b === 'number') return closeNumbers(Number(a), Number(b));
  const [m, n] = [ticksText(a), ticksText(b)];
  return a === b || (/^\d{4}-\d\d-\d\dT/.test(m) && m === n);
}

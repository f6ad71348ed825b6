import type { Call, Expression, Literal } from './kql/ir/expression.ts';
import type { Item, Plan, Program } from './kql/ir/plan.ts';
import { isPlan } from './kql/ir/walk.ts';
import type { KqlType } from './kql/types.ts';
import { windowFunctions } from './sql/functions/window.ts';

/** What a query will not look at, as far as it knows beforehand: a column outside of these bounds. Ticks for times. */
export interface ScanRange {
  readonly column: string;
  readonly min?: bigint;
  readonly max?: bigint;
}

export interface ConstantFacts {
  /** Ticks of `now()`. */
  readonly now: bigint;
  readonly parameters: ReadonlyMap<string, Literal>;
}

interface Bounds {
  readonly min?: bigint | undefined;
  readonly max?: bigint | undefined;
}
/** By column of the plan they hold for. Rows without a value are outside of any. */
type RowBounds = ReadonlyMap<string, Bounds>;

const anything: RowBounds = new Map();

export const tableKey = (database: string, table: string): string => JSON.stringify([database, table]);

/** Bounds within which every use of a table in the program looks for rows: from conditions of the kind `column > constant`, joined by
 * `and`, that stand above the table with nothing between that would see the rows left out.
 * @returns by `tableKey` */
export function scanRanges(program: Program, facts: ConstantFacts): ReadonlyMap<string, readonly ScanRange[]> {
  const collector = new Collector(facts);
  for (const { plan } of program.results) collector.visit(plan, anything);
  // Later ones may name earlier ones, so that by then all that is asked of a plan is known.
  for (const { id, plan } of [...program.lets].reverse()) collector.visit(plan, collector.lets.get(id) ?? anything);
  return new Map([...collector.tables].map(([key, bounds]) => [key, [...bounds].flatMap(rangeOf)]));
}

function rangeOf([column, { min, max }]: readonly [string, Bounds]): ScanRange[] {
  if (min === undefined && max === undefined) return [];
  return [{ column, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }];
}

class Collector {
  readonly tables = new Map<string, RowBounds>();
  readonly lets = new Map<number, RowBounds>();
  readonly #facts: ConstantFacts;

  constructor(facts: ConstantFacts) {
    this.#facts = facts;
  }

  /** @param bounds what whoever reads the plan's rows will throw away anyway */
  visit(plan: Plan, bounds: RowBounds): void {
    switch (plan.op) {
      case 'table':
        note(this.tables, tableKey(plan.database, plan.table), bounds);
        return;
      case 'reference':
        note(this.lets, plan.id, bounds);
        return;
      case 'filter':
        this.#nested(plan.condition);
        this.visit(plan.input, seesOthers(plan.condition) ? anything : both(bounds, this.#bounds(plan.condition)));
        return;
      case 'sort':
        this.#nested(plan.keys);
        this.visit(plan.input, seesOthers(plan.keys) ? anything : bounds);
        return;
      case 'extend':
      case 'project':
        this.#nested(plan.items);
        this.visit(plan.input, seesOthers(plan.items) ? anything : renamed(bounds, plan.items, plan.op === 'extend'));
        return;
      case 'select':
        this.visit(
          plan.input,
          moved(bounds, (name) => plan.from[plan.cols.findIndex((column) => column.name === name)]),
        );
        return;
      case 'union':
        for (const { plan: leg, from } of plan.legs)
          this.visit(
            leg,
            moved(bounds, (name) => from[plan.cols.findIndex((column) => column.name === name)] ?? undefined),
          );
        return;
      default:
        this.#nested(Object.values(plan));
    }
  }

  /** Plans inside: whoever reads their rows may want all of them. */
  #nested(value: unknown): void {
    if (isPlan(value)) this.visit(value, anything);
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) this.#nested(inner);
  }

  #bounds(condition: Expression): RowBounds {
    if (condition.k !== 'call') return anything;
    if (condition.name === 'and')
      return condition.args.map((part) => this.#bounds(part)).reduce((all, part) => both(all, part), anything);
    const [first, second] = condition.args;
    if (first === undefined || second === undefined) return anything;
    const turned = first.k === 'column' ? undefined : mirrored[condition.name];
    const column = turned === undefined ? first : second;
    if (column.k !== 'column' || column.side !== undefined || !rangedTypes.has(column.type)) return anything;
    const bounds =
      turned === undefined
        ? this.#within(condition, column.type)
        : this.#compared(turned, this.#constant(first, column.type));
    return bounds === undefined ? anything : new Map([[column.name, bounds]]);
  }

  #within({ name, args }: Call, type: KqlType): Bounds | undefined {
    const [, ...values] = args;
    if (name === 'in') {
      const all = values.map((value) => this.#constant(value, type));
      return all.reduce((left, right) => left && right && either(left, right));
    }
    const [low, high] = values;
    if (low === undefined) return undefined;
    const from = this.#constant(low, type);
    if (name !== 'between') return this.#compared(name, from);
    if (high === undefined || from === undefined) return undefined;
    const isSpan = type === 'datetime' && high.type === 'timespan';
    const to = isSpan ? sum(from, this.#constant(high, 'timespan'), 1n) : this.#constant(high, type);
    return to && { min: from.min, max: to.max };
  }

  #compared(name: string, value: Bounds | undefined): Bounds | undefined {
    if (value === undefined) return undefined;
    if (name === '==') return value;
    if (name === '>' || name === '>=') return { min: value.min };
    return name === '<' || name === '<=' ? { max: value.max } : undefined;
  }

  /** Whole numbers next to a constant that is compared with a column of the type. */
  #constant(expression: Expression, type: KqlType): Bounds | undefined {
    if (expression.k === 'parameter') {
      const literal = this.#facts.parameters.get(expression.name);
      return literal && this.#constant(literal, type);
    }
    if (expression.k === 'literal') return literalBounds(expression, type);
    if (expression.k !== 'call' || expression.type !== type || (type !== 'datetime' && type !== 'timespan'))
      return undefined;
    const [first, second] = expression.args;
    const now = { min: this.#facts.now, max: this.#facts.now };
    if (expression.name === 'now') return first === undefined ? now : sum(now, this.#constant(first, 'timespan'), 1n);
    if (first === undefined) return undefined;
    if (expression.name === 'ago') return sum(now, this.#constant(first, 'timespan'), -1n);
    if (second === undefined || (expression.name !== '+' && expression.name !== '-')) return undefined;
    return sum(
      this.#constant(first, first.type),
      this.#constant(second, second.type),
      expression.name === '+' ? 1n : -1n,
    );
  }
}

const rangedTypes: ReadonlySet<KqlType> = new Set(['int', 'long', 'datetime', 'timespan']);
const mirrored: Readonly<Record<string, string>> = { '==': '==', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

const longMax = 2n ** 63n - 1n;
/** Reals beyond this have no digit for single units: a long next to one may be equal to it. */
const exactMax = 2 ** 53;

function literalBounds({ type, value }: Literal, column: KqlType): Bounds | undefined {
  if (typeof value !== 'string') return undefined;
  const isWhole = type === 'int' || type === 'long';
  const isNumber = column === 'int' || column === 'long';
  if (isNumber ? isWhole : type === column) return { min: BigInt(value), max: BigInt(value) };
  if (!isNumber || type !== 'real') return undefined;
  const real = Number(value);
  if (!(Math.abs(real) < exactMax)) return undefined;
  return { min: BigInt(Math.floor(real)), max: BigInt(Math.ceil(real)) };
}

/** Of two times. A result that no column can hold may have been wrapped or refused: nothing is known of it then. */
function sum(left: Bounds | undefined, right: Bounds | undefined, sign: 1n | -1n): Bounds | undefined {
  if (left?.min === undefined || right?.min === undefined || left.min !== left.max || right.min !== right.max)
    return undefined;
  const value = left.min + sign * right.min;
  return value < -longMax || value > longMax ? undefined : { min: value, max: value };
}

const lower = (one: bigint, other: bigint): bigint => (one < other ? one : other);
const higher = (one: bigint, other: bigint): bigint => (one > other ? one : other);

function narrower(left: Bounds, right: Bounds): Bounds {
  return {
    min: left.min === undefined || right.min === undefined ? (left.min ?? right.min) : higher(left.min, right.min),
    max: left.max === undefined || right.max === undefined ? (left.max ?? right.max) : lower(left.max, right.max),
  };
}

function either(left: Bounds, right: Bounds): Bounds {
  return {
    min: left.min === undefined || right.min === undefined ? undefined : lower(left.min, right.min),
    max: left.max === undefined || right.max === undefined ? undefined : higher(left.max, right.max),
  };
}

function both(left: RowBounds, right: RowBounds): RowBounds {
  const all = new Map(left);
  for (const [name, bounds] of right) {
    const other = all.get(name);
    all.set(name, other === undefined ? bounds : narrower(other, bounds));
  }
  return all;
}

/** One more use: what any of them wants is read. */
function note<Key>(uses: Map<Key, RowBounds>, key: Key, bounds: RowBounds): void {
  const before = uses.get(key);
  if (before === undefined) {
    uses.set(key, bounds);
    return;
  }
  const all = new Map<string, Bounds>();
  for (const [name, one] of bounds) {
    const other = before.get(name);
    if (other !== undefined) all.set(name, either(one, other));
  }
  uses.set(key, all);
}

function moved(bounds: RowBounds, source: (name: string) => string | undefined): RowBounds {
  const below = new Map<string, Bounds>();
  for (const [name, bound] of bounds) {
    const from = source(name);
    if (from !== undefined) below.set(from, narrower(below.get(from) ?? {}, bound));
  }
  return below;
}

/** @param keeps whether columns that are not named stay as they are */
function renamed(bounds: RowBounds, items: readonly Item[], keeps: boolean): RowBounds {
  return moved(bounds, (name) => {
    const item = items.findLast(({ names }) => names.includes(name));
    if (item === undefined) return keeps ? name : undefined;
    const { expression } = item;
    return expression.k === 'column' && expression.side === undefined ? expression.name : undefined;
  });
}

/** Whether what is computed for a row depends on the rows around it. */
function seesOthers(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || isPlan(value)) return false;
  if ('k' in value && value.k === 'call' && 'name' in value && Object.hasOwn(windowFunctions, String(value.name)))
    return true;
  return Object.values(value).some((inner) => seesOthers(inner));
}

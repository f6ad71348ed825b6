import type { ColumnValues } from './duckdb/engine-database.ts';
import type { Plan } from './plan/plan.ts';
import type { Column } from './plan/types.ts';
import { feedsAt } from './plan/union-feeds.ts';

/** Columns of all legs together beyond which the legs of a union run one after the other: SQL and its plan have each column in each leg. */
const cellsMax = 20_000;

/** One leg of a result that is very wide. */
export interface Piece {
  /** Its rows, with the columns that it has. */
  readonly plan: Plan;
  /** Where these are in the result; undefined: not in it. */
  readonly places: readonly (number | undefined)[];
}

export interface Pieces {
  readonly pieces: readonly Piece[];
  /** So many rows of all pieces are the result. */
  readonly rowsMax: number;
}

/** A result that is a union of many legs with very many columns, as of `search` over a whole database, in pieces that have only what is theirs.
 * @returns undefined for every other */
export function piecesOf(plan: Plan): Pieces | undefined {
  if (plan.op === 'take' && plan.count.k === 'literal' && plan.count.value !== null) {
    const inner = piecesOf(plan.input);
    const count = Number(plan.count.value);
    if (inner === undefined || !(count >= 0)) return undefined;
    const taken = inner.pieces.map((piece) => ({
      ...piece,
      plan: { op: 'take', input: piece.plan, count: plan.count, cols: piece.plan.cols } as const,
    }));
    return { pieces: taken, rowsMax: Math.min(inner.rowsMax, count) };
  }
  if (plan.op === 'select') {
    const inner = piecesOf(plan.input);
    const chosen = new Map(plan.from.map((name, place) => [name, place]));
    if (inner === undefined || chosen.size < plan.from.length) return undefined;
    const moved = plan.input.cols.map(({ name }) => chosen.get(name));
    const placed = (place: number | undefined): number | undefined => (place === undefined ? undefined : moved[place]);
    return { ...inner, pieces: inner.pieces.map((piece) => ({ ...piece, places: piece.places.map(placed) })) };
  }
  if (plan.op !== 'union' || plan.legs.length * plan.cols.length <= cellsMax) return undefined;
  const { sourceColumn } = plan;
  const pieces = plan.legs.map((leg): Piece => {
    const fed = leg.from.map(([place]) => place);
    const own = [...new Set([...(sourceColumn === undefined ? [] : [sourceColumn]), ...fed])];
    // A row without columns is still one.
    const places = own.length > 0 ? own : [0];
    const index = new Map(places.map((place, at) => [place, at]));
    const from = feedsAt(leg.from, places);
    const cols = places.flatMap((place) => plan.cols[place] ?? []);
    const at = sourceColumn === undefined ? undefined : index.get(sourceColumn);
    const legs = [{ ...leg, from }];
    return { plan: { op: 'union', legs, cols, ...(at !== undefined && { sourceColumn: at }) }, places };
  });
  return { pieces, rowsMax: Infinity };
}

/** The rows of a piece with all columns of the result: what the piece lacks is null, and text is empty.
 * @param most so many rows at most */
export function widened(
  chunk: readonly ColumnValues[],
  { places }: Piece,
  cols: readonly Column[],
  most: number,
): ColumnValues[] {
  const count = Math.min(chunk[0]?.length ?? 0, most);
  const [nulls, blanks] = [Array.from({ length: count }, () => null), Array.from({ length: count }, () => '')];
  const all: ColumnValues[] = cols.map(({ type }) => (type === 'string' ? blanks : nulls));
  for (const [index, place] of places.entries())
    if (place !== undefined) all[place] = (chunk[index] ?? nulls).slice(0, count);
  return all;
}

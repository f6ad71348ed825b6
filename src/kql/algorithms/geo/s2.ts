import { s2 } from 's2js';
import type { Position, Vector } from './sphere.ts';
import { angle, closestOnEdge, earthRadius, edgesGap, isPosition, toPosition, toVector } from './sphere.ts';
import { edgesCross } from './geometry.ts';
import { inSetOrder } from './set-order.ts';

/** Cells that a covering may have; more give none at all. */
const cellsMax = 65_536;
const { cellid, Cell, LatLng, Point } = s2;

type Edge = readonly [Vector, Vector];
const vectorOf = (point: { x: number; y: number; z: number }): Vector => [point.x, point.y, point.z];

const parseCell = (token: string): bigint | undefined => {
  if (!/^[0-9a-f]{1,16}$/i.test(token)) return undefined;
  const id = cellid.fromToken(token.toLowerCase());
  return cellid.valid(id) ? id : undefined;
};

/** @param level 0 to 30 @returns the token of the cell */
export function s2Cell(longitude: number, latitude: number, level: number): string | undefined {
  if (!isPosition(longitude, latitude) || !(level >= 0 && level <= 30)) return undefined;
  return cellid.toToken(cellid.parent(cellid.fromLatLng(LatLng.fromDegrees(latitude, longitude)), level));
}

export function s2Centre(token: string): Position | undefined {
  const id = parseCell(token);
  return id === undefined ? undefined : toPosition(vectorOf(cellid.point(id)));
}

const cornersOf = (id: bigint): Vector[] => {
  const cell = Cell.fromCellID(id);
  return [0, 1, 2, 3].map((corner) => vectorOf(cell.vertex(corner)));
};

export function s2Corners(token: string): Position[] | undefined {
  const id = parseCell(token);
  return id === undefined ? undefined : cornersOf(id).map(toPosition);
}

export function s2Neighbours(token: string): string[] | undefined {
  const id = parseCell(token);
  return id === undefined ? undefined : inSetOrder(cellid.allNeighbors(id, cellid.level(id)).map(cellid.toToken));
}

/** What is to be covered: edges, and for areas what lies inside them. */
export interface Covered {
  readonly edges: readonly Edge[];
  readonly contains: (point: Vector) => boolean;
}

/** How near a figure must come to a cell to be of it: one that runs along the border belongs to both sides.
 * @see S2ShapeIndexRegion::AnyEdgeIntersects, the error it allows for */
const touching = 1.5e-15;

/** All cells of a level within `radius` metres of a figure; undefined when they are too many. Level by level: cells inside, which are not
 * walked any further, tell early of how many there will be. Each other one has at least one child. */
export function s2Covering(figure: Covered, level: number, radius: number): string[] | undefined {
  if (!(level >= 0 && level <= 30) || !(radius >= 0)) return undefined;
  const reach = Math.max(radius / earthRadius, touching);
  let cells = [0, 1, 2, 3, 4, 5].map((face) => ({ id: cellid.fromFace(face), inside: false }));
  for (let at = 0; ; at += 1) {
    cells = cells.flatMap(({ id, inside }) => {
      const relation = inside ? 'inside' : relate(id, figure, reach);
      return relation === 'apart' ? [] : [{ id, inside: relation === 'inside' }];
    });
    const least = cells.reduce((sum, { id, inside }) => sum + (inside ? 4 ** (level - cellid.level(id)) : 1), 0);
    if (least > cellsMax) return undefined;
    if (at === level) break;
    cells = cells.flatMap((cell) =>
      cell.inside ? [cell] : cellid.children(cell.id).map((id) => ({ id, inside: false })),
    );
  }
  return cells.flatMap(({ id }) => descendants(id, level)).map(cellid.toToken);
}

const descendants = (id: bigint, level: number): bigint[] =>
  cellid.level(id) === level ? [id] : cellid.children(id).flatMap((child) => descendants(child, level));

function relate(id: bigint, { edges, contains }: Covered, reach: number): 'inside' | 'apart' | 'mixed' {
  const corners = cornersOf(id);
  const sides = corners.map((corner, index): Edge => [corner, corners[(index + 1) % 4] ?? corner]);
  const centre = vectorOf(cellid.point(id));
  const around = Math.max(...corners.map((corner) => angle(centre, corner))) + reach;
  const near = edges.filter(([a, b]) => angle(centre, closestOnEdge(centre, a, b)) <= around);
  const holds = ([x, y, z]: Vector): boolean => cellid.contains(id, cellid.fromPoint(new Point(x, y, z)));
  if (near.some(([a, b]) => holds(a) || sides.some(([c, d]) => edgesCross(a, b, c, d)))) return 'mixed';
  const [corner] = corners;
  if (corner && contains(corner)) return 'inside';
  return near.some((edge) => sides.some((side) => edgesGap(edge, side) <= reach)) ? 'mixed' : 'apart';
}

export const pointVector = (longitude: number, latitude: number): Vector | undefined =>
  isPosition(longitude, latitude) ? toVector([longitude, latitude]) : undefined;

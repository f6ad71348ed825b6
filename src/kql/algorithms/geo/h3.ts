import {
  cellToBoundary,
  cellToChildren,
  cellToChildrenSize,
  cellToLatLng,
  cellToParent,
  getResolution,
  gridDisk,
  gridDiskDistances,
  isValidCell,
  latLngToCell,
  polygonToCells,
} from 'h3-js';
import { inSetOrder } from './set-order.ts';
import type { Position } from './sphere.ts';
import { isPosition } from './sphere.ts';

/** Cells that one call may give. */
const cellsMax = 65_536;
const polygonCellsMax = 61_680;
const ringsMax = 142;

const isCell = (cell: string): boolean => /^[0-9a-f]{15}$/i.test(cell) && isValidCell(cell);
const resolutionOf = (cell: string): number | undefined => (isCell(cell) ? getResolution(cell) : undefined);

/** @param resolution 0 to 15 */
export const h3Cell = (longitude: number, latitude: number, resolution: number): string | undefined =>
  isPosition(longitude, latitude) && resolution >= 0 && resolution <= 15
    ? latLngToCell(latitude, longitude, resolution)
    : undefined;

export const h3Level = resolutionOf;

export function h3Centre(cell: string): Position | undefined {
  if (!isCell(cell)) return undefined;
  const [latitude, longitude] = cellToLatLng(cell);
  return [longitude, latitude];
}

export const h3Boundary = (cell: string): Position[] | undefined =>
  isCell(cell) ? cellToBoundary(cell).map(([latitude, longitude]): Position => [longitude, latitude]) : undefined;

export const h3Neighbours = (cell: string): string[] | undefined =>
  isCell(cell) ? inSetOrder(gridDisk(cell, 1).filter((other) => other !== cell.toLowerCase())) : undefined;

/** Rings around the cell, from the cell itself outwards. */
export const h3Rings = (cell: string, distance: number): string[][] | undefined =>
  isCell(cell) && distance >= 0 && distance <= ringsMax ? gridDiskDistances(cell, distance) : undefined;

/** Cells whose centres lie inside one of the polygons; edges are straight on the map here. */
export function h3Inside(
  polygons: readonly (readonly (readonly Position[])[])[],
  resolution: number,
): string[] | undefined {
  if (!(resolution >= 0 && resolution <= 15)) return undefined;
  const found = new Set<string>();
  for (const rings of polygons) {
    const plain = rings.map((ring) => ring.map(([longitude, latitude]) => [longitude, latitude]));
    for (const cell of polygonToCells(plain, resolution, true)) found.add(cell);
    if (found.size > polygonCellsMax) return undefined;
  }
  return [...found];
}

/** By default the next coarser level. */
export function h3Parent(cell: string, resolution: number | undefined): string | undefined {
  const own = resolutionOf(cell);
  const wanted = resolution ?? (own === undefined ? -1 : own - 1);
  return own !== undefined && wanted >= 0 && wanted < own ? cellToParent(cell, wanted) : undefined;
}

/** By default the next finer level. */
export function h3Children(cell: string, resolution: number | undefined): string[] | undefined {
  const own = resolutionOf(cell);
  const wanted = resolution ?? (own === undefined ? 16 : own + 1);
  if (own === undefined || wanted <= own || wanted > 15 || cellToChildrenSize(cell, wanted) > cellsMax)
    return undefined;
  return cellToChildren(cell, wanted);
}

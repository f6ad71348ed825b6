import { expect, it } from 'vitest';
import { inPolygons, parsePolygons } from './geometry.ts';
import { s2Covering } from './s2.ts';
import type { Position, Vector } from './sphere.ts';
import { toVector } from './sphere.ts';

it('a covering of far too many cells is given up before they are walked', () => {
  const corners: Position[] = [
    [0, 0],
    [0, 50],
    [100, 50],
  ];
  const ring = [...corners, [0, 0]];
  const polygons = parsePolygons(JSON.stringify({ type: 'Polygon', coordinates: [ring] })) ?? [];
  const edges = corners.map((from, index) => [toVector(from), toVector(corners[(index + 1) % 3] ?? from)] as const);
  let asked = 0;
  const contains = (point: Vector): boolean => (asked += 1) > 0 && inPolygons(point, polygons);
  expect(s2Covering({ edges, contains }, 30, 0)).toBeUndefined();
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThan(1_000);
});

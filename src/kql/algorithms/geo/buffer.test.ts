import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesBuffer, polygonsBuffer } from './buffer.ts';
import type { Polygon } from './geometry.ts';
import { inPolygons, parseLines, parsePolygons } from './geometry.ts';
import { closestPoint, lineEdges, polygonsArea, polygonsPerimeter } from './measure.ts';
import type { Position } from './sphere.ts';
import { angle, earthRadius, toVector } from './sphere.ts';

const polygon = (...rings: Position[][]): string => JSON.stringify({ type: 'Polygon', coordinates: rings });
const line = (...points: Position[]): string => JSON.stringify({ type: 'LineString', coordinates: points });
const lines = (text: string): NonNullable<ReturnType<typeof parseLines>> => parseLines(text) ?? [];
const polygons = (text: string): readonly Polygon[] => parsePolygons(text) ?? [];

describe('buffers', () => {
  const near = fc.tuple(fc.double({ min: 14, max: 14.1, noNaN: true }), fc.double({ min: 50, max: 50.1, noNaN: true }));
  const path = fc.array(near, { minLength: 2, maxLength: 6 });

  it('hold what is nearer to a line than the radius, but for the tolerance, and nothing else', () => {
    fc.assert(
      fc.property(path, fc.array(near, { minLength: 20, maxLength: 20 }), (corners, points) => {
        const figure = lines(line(...corners));
        if (figure.length === 0) return;
        const region = linesBuffer(figure, 1_000, 10);
        for (const point of points.map(toVector)) {
          const nearest = closestPoint(point, lineEdges(figure)) ?? point;
          const distance = angle(point, nearest) * earthRadius;
          if (distance < 989.9) expect(inPolygons(point, region)).toBe(true);
          if (distance > 1_000.1) expect(inPolygons(point, region)).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('of polygons fill holes that are narrow, and shrink wide ones', () => {
    const square = (low: number, high: number): Position[] => [
      [low, low],
      [high, low],
      [high, high],
      [low, high],
      [low, low],
    ];
    const wide = polygons(polygon(square(0, 0.1), square(0.04, 0.06)));
    const holes = (metres: number): number[] => polygonsBuffer(wide, metres, 1).map((part) => part.holes.length);
    expect([holes(500), holes(1_500)]).toEqual([[1], [0]]);
    const area = polygonsArea(wide) + polygonsPerimeter(wide) * 500 + (Math.PI - 4) * 500 ** 2;
    expect(polygonsArea(polygonsBuffer(wide, 500, 0.01)) / area).toBeCloseTo(1, 4);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { densify } from './densify.ts';
import { boxCorners, geohash, geohashBox, geohashNeighbours } from './geohash.ts';
import type { Polygon } from './geometry.ts';
import { geometryOf, inPolygons, parseLines, parsePolygons } from './geometry.ts';
import { h3Boundary, h3Cell, h3Centre, h3Children, h3Neighbours, h3Parent, h3Rings } from './h3.ts';
import { edgesLength, lineEdges, polygonsArea, polygonsPerimeter } from './measure.ts';
import { intersectPolygons, unionPolygons } from './overlay.ts';
import { s2Cell, s2Corners, s2Covering, s2Neighbours } from './s2.ts';
import { murmurHash64 } from './set-order.ts';
import type { Position } from './sphere.ts';
import { simplify } from './simplify.ts';
import {
  angle,
  azimuth,
  closestOnEdge,
  earthRadius,
  interpolate,
  spheroidDistance,
  toPosition,
  toVector,
} from './sphere.ts';
import { geoJsonOfWkt } from './wkt.ts';

/** Figures of the examples in the KQL documentation (MicrosoftDocs/dataexplorer-docs, CC BY 4.0). */
const polygon = (...rings: Position[][]): string => JSON.stringify({ type: 'Polygon', coordinates: rings });
const line = (...points: Position[]): string => JSON.stringify({ type: 'LineString', coordinates: points });
const lines = (text: string): NonNullable<ReturnType<typeof parseLines>> => parseLines(text) ?? [];
const polygons = (text: string): readonly Polygon[] => parsePolygons(text) ?? [];

const centralPark: Position[] = [
  [-73.9495, 40.7969],
  [-73.95807266235352, 40.80068603561921],
  [-73.98201942443848, 40.76825672305777],
  [-73.97317886352539, 40.76455136505513],
  [-73.9495, 40.7969],
];
const island: Position[] = [
  [-73.94262313842773, 40.775991804565585],
  [-73.98107528686523, 40.791849155467695],
  [-73.99600982666016, 40.77092185281977],
  [-73.96150588989258, 40.75609977566361],
  [-73.94262313842773, 40.775991804565585],
];

describe('measures of the sphere', () => {
  it('the nearest point of an edge is on it and the nearest there is, however short the edge', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const placed = fc.tuple(fc.double({ min: -17, max: -1, noNaN: true }), share);
    const far = (from: Position, [exponent, turn]: readonly number[]): Position => [
      from[0] + 90 * 10 ** (exponent ?? 0) * Math.cos(7 * (turn ?? 0)),
      from[1] + 90 * 10 ** (exponent ?? 0) * Math.sin(7 * (turn ?? 0)),
    ];
    // Radians: 64 micrometres.
    const rounding = 1e-11;
    fc.assert(
      fc.property(placed, placed, (edge, aside) => {
        const start: Position = [14, 50];
        const [a, b] = [toVector(start), toVector(far(start, edge))];
        const p = toVector(far(start, aside));
        const found = closestOnEdge(p, a, b);
        expect(angle(a, found) + angle(found, b)).toBeLessThanOrEqual(angle(a, b) + rounding);
        const others = Array.from({ length: 65 }, (_one, at) => angle(p, interpolate(a, b, at / 64)));
        expect(angle(p, found)).toBeLessThanOrEqual(Math.min(...others) + rounding);
      }),
      { numRuns: 2000 },
    );
  });
  it('are those of the documentation', () => {
    const [seattle, losAngeles]: Position[] = [
      [-122.407628, 47.578557],
      [-118.275287, 34.019056],
    ];
    if (!seattle || !losAngeles) throw new Error('two places');
    expect(earthRadius * angle(toVector(seattle), toVector(losAngeles))).toBeCloseTo(1546754.35197381, 5);
    expect(azimuth([5, 10], [10, -40])).toBeCloseTo(3.05459939796449, 12);
    const walk = line(
      [-73.95807266235352, 40.800426144169315],
      [-73.94966125488281, 40.79691751000055],
      [-73.97317886352539, 40.764486356930334],
    );
    expect(edgesLength(lineEdges(lines(walk)))).toBeCloseTo(4922.48016992081, 6);
    const both = [...polygons(polygon(centralPark)), ...polygons(polygon(island))];
    expect(polygonsArea(both)).toBeCloseTo(10889971.5343487, 2);
    expect(polygonsPerimeter(both)).toBeCloseTo(15943.5384578745, 4);
  });
  it('of the ellipsoid agree with Vincenty’s own example (Flinders Peak – Buninyon, Geoscience Australia)', () => {
    expect(spheroidDistance([144.424867888889, -37.95103341666667], [143.926495527778, -37.652821138889])).toBeCloseTo(
      54972.271,
      1,
    );
  });
});

describe('validity', () => {
  it.each([
    ['a line of one point', parseLines(line([1, 1]))],
    ['a point off the globe', parseLines(line([300, 1], [1, 1]))],
    [
      'a corner twice',
      parsePolygons(
        polygon([
          [0, 0],
          [10, 10],
          [10, 10],
          [0, 0],
        ]),
      ),
    ],
    [
      'an open ring',
      parsePolygons(
        polygon([
          [0, 0],
          [10, 10],
          [10, 1],
          [1, 1],
        ]),
      ),
    ],
    [
      'a ring that crosses itself',
      parsePolygons(
        polygon([
          [0, 0],
          [10, 10],
          [10, 0],
          [0, 10],
          [0, 0],
        ]),
      ),
    ],
    ['another type', parsePolygons('{"type":"Point","coordinates":[1,1]}')],
    ['no JSON', parsePolygons('{')],
  ])('%s is refused', (_name, parsed) => {
    expect(parsed).toBeUndefined();
  });
});

describe('simplify', () => {
  const road: Position[] = [
    [-73.97033169865608, 40.789063020152824],
    [-73.97039607167244, 40.78897975920816],
    [-73.9704617857933, 40.78888837512432],
    [-73.97052884101868, 40.7887949601531],
    [-73.9706052839756, 40.788698498903564],
    [-73.97065222263336, 40.78862640672032],
    [-73.97072866559029, 40.78852791445617],
    [-73.97079303860664, 40.788434498977836],
  ];
  const block: Position[] = [
    [-73.94885122776031, 40.79673476355657],
    [-73.94885927438736, 40.79692258628347],
    [-73.94887939095497, 40.79692055577034],
    [-73.9488673210144, 40.79693476936093],
    [-73.94888743758202, 40.79693476936093],
    [-73.9488834142685, 40.796959135509105],
    [-73.94890084862709, 40.79695304397289],
    [-73.94906312227248, 40.79710736271788],
    [-73.94923612475395, 40.7968708081794],
  ];
  it('gives what the pages print', () => {
    expect(simplify(road.map(toVector), false, 10)).toEqual([road[0], road.at(-1)].map((at) => at && toVector(at)));
    expect(simplify(block.map(toVector), true, 10)).toEqual(
      [block[0], block[7], block[8]].map((at) => at && toVector(at)),
    );
  });
  it('stays within the tolerance and leaves no points nearer to each other than it', () => {
    const step = fc.tuple(fc.integer({ min: 5, max: 40 }), fc.integer({ min: -20, max: 20 }));
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 12 }), (steps) => {
        let [x, y] = [0, 0];
        const path = steps.map(([right, up]) => toVector([(x += right) * 1e-5, (y += up) * 1e-5]));
        const found = simplify(path, false, 10);
        if (typeof found === 'string') return;
        const edges = lineEdges([found]);
        for (const point of path)
          expect(
            Math.min(...edges.map(([a, b]) => angle(point, closestOnEdge(point, a, b)))) * earthRadius,
          ).toBeLessThan(10.01);
        for (const [a, b] of edges) expect(angle(a, b) * earthRadius).toBeGreaterThanOrEqual(10);
      }),
    );
  });
});

describe('neighbours', () => {
  it("GNU's hash of texts", () => {
    // What std::hash<std::string> of GNU's C++ library prints.
    expect(murmurHash64('hello')).toBe(2762169579135187400n);
    expect(murmurHash64('')).toBe(6142509188972423790n);
    expect(murmurHash64('862a10777ffffff')).toBe(4815499461255257644n);
  });
  it('come in the order recorded from the engine', () => {
    expect(geohashNeighbours('sunny')).toEqual('sunnv sunnt sunnw sunnx sunpp sunnz sunpn sunpj'.split(' '));
    expect(s2Neighbours('89c259')).toEqual('89c25d 89c25b 89c2f7 89c257 89c2f5 89c251 89c25f 89c2f9'.split(' '));
    expect(h3Neighbours('862a1072fffffff')).toEqual(
      '777 0d7 0df 70f 707 727'.split(' ').map((middle) => `862a10${middle}ffffff`),
    );
  });
  // Cells in the order of the page, the first corner of their union as printed there.
  it.each([
    [
      'geohash',
      'sunny sunnt sunpj sunnx sunpn sunnv sunpp sunnz sunnw'.split(' ').map((cell) => {
        const box = geohashBox(cell);
        return box ? boxCorners(box) : [];
      }),
      [42.4072265625, 23.642578125],
    ],
    [
      'S2',
      '89c259 89c25d 89c2f9 89c251 89c257 89c25f 89c25b 89c2f7 89c2f5'.split(' ').map((cell) => s2Corners(cell) ?? []),
      [-73.841906340776248, 40.695446474556284],
    ],
    [
      'H3',
      '72f 727 707 70f 777 0df 0d7'.split(' ').map((middle) => h3Boundary(`862a10${middle}ffffff`) ?? []),
      [-73.926766604813565, 40.718903205013063],
    ],
  ])('union of %s cells begins where the engine begins it', (_kind, cells, first) => {
    const [union] = unionPolygons(cells.flatMap((ring) => polygons(polygon([...ring, ...ring.slice(0, 1)]))));
    expect(union && toPosition(union.shell[0] ?? [0, 0, 0])).toEqual(
      first.map((degree) => expect.closeTo(degree, 9) as unknown),
    );
  });
});

describe('cells', () => {
  it('geohashes', () => {
    expect(geohash(-80.195829, 25.802215, 8)).toBe('dhwfz15h');
    expect(geohash(200, 1, 8)).toBeUndefined();
  });
  it('S2 cells', () => {
    expect([10.1234, 10.3579, 10.6842].map((longitude) => s2Cell(longitude, 53, 8))).toEqual([
      '47b1d',
      '47b1d',
      '47ae3',
    ]);
    expect(s2Corners('89c259')?.[0]).toEqual([
      expect.closeTo(-74.030012249838478, 9),
      expect.closeTo(40.8012684339439, 9),
    ]);
    expect(s2Corners('a')).toBeUndefined();
  });
  it('H3 cells', () => {
    expect(h3Cell(-74.04450446039874, 40.689250859314974, 6)).toBe('862a1072fffffff');
    expect(h3Centre('862a1072fffffff')?.[0]).toBeCloseTo(-74.016008479792447, 9);
    expect(h3Parent('862a1072fffffff', undefined)).toBe('852a1073fffffff');
    expect(h3Children('862a1072fffffff', 9)).toHaveLength(343);
    expect(h3Rings('861f8894fffffff', 2)?.map((ring) => ring.length)).toEqual([1, 6, 12]);
    expect([h3Rings('abc', 3), h3Rings('861f8894fffffff', 150), h3Children('8928308280fffff', 15)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
  const longitude = fc.double({ min: -180, max: 180, noNaN: true });
  const latitude = fc.double({ min: -90, max: 90, noNaN: true });
  it('a geohash box holds its point', () => {
    fc.assert(
      fc.property(longitude, latitude, fc.integer({ min: 1, max: 18 }), (x, y, accuracy) => {
        const box = geohashBox(geohash(x, y, accuracy) ?? '');
        return box !== undefined && box.west <= x && x <= box.east && box.south <= y && y <= box.north;
      }),
    );
  });
  it('a covering holds the cell of every point inside', () => {
    const inside = polygons(polygon(centralPark));
    const cells = s2Covering({ edges: [], contains: (point) => inPolygons(point, inside) }, 3, 0);
    expect(cells).toEqual([]);
    const [shell] = inside;
    const edges = shell
      ? shell.shell.map((point, index) => [point, shell.shell[(index + 1) % 4] ?? point] as const)
      : [];
    const covering = s2Covering({ edges, contains: (point) => inPolygons(point, inside) }, 15, 0);
    fc.assert(
      fc.property(
        fc.double({ min: -73.985, max: -73.945, noNaN: true }),
        fc.double({ min: 40.76, max: 40.802, noNaN: true }),
        (x, y) => (inPolygons(toVector([x, y]), inside) ? covering?.includes(s2Cell(x, y, 15) ?? '') : true),
      ),
    );
  });
});

describe('overlays', () => {
  it('of two polygons, as the engine draws them', () => {
    const first: Position[] = [
      [2, 45],
      [0, 45],
      [1, 44],
      [2, 45],
    ];
    const other = {
      type: 'MultiPolygon',
      coordinates: [
        [
          [
            [3, 44],
            [2, 45],
            [2, 43],
            [3, 44],
          ],
        ],
        [
          [
            [1.192, 45.265],
            [1.005, 44.943],
            [1.356, 44.937],
            [1.192, 45.265],
          ],
        ],
      ],
    };
    const found = intersectPolygons(polygons(polygon(first)), polygons(JSON.stringify(other)));
    const drawn: unknown = JSON.parse(geometryOf(found.points, found.lines, found.polygons));
    const near = (x: number, y: number): unknown[] => [expect.closeTo(x, 9), expect.closeTo(y, 9)];
    const corner = near(1.3227075526410679, 45.003909145068739);
    expect(drawn).toEqual({
      type: 'GeometryCollection',
      geometries: [
        { type: 'Point', coordinates: near(2, 45) },
        {
          type: 'Polygon',
          coordinates: [
            [corner, near(1.0404565374899797, 45.004356403066545), near(1.005, 44.943), near(1.356, 44.937), corner],
          ],
        },
      ],
    });
  });
  it('of polygons that are apart is an empty collection', () => {
    const found = intersectPolygons(
      polygons(polygon(centralPark)),
      polygons(
        polygon([
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 0],
        ]),
      ),
    );
    expect(geometryOf(found.points, found.lines, found.polygons)).toBe('{"type":"GeometryCollection","geometries":[]}');
  });
  it('areas of union and intersection add up to those of the parts', () => {
    // On a coarse grid corners and stretches of meridians are often shared.
    const degree = (from: number): fc.Arbitrary<number> =>
      fc.integer({ min: 0, max: 20 }).map((step) => from + step / 4);
    const triangle = fc.array(fc.tuple(degree(0), degree(40)), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(triangle, triangle, (first, second) => {
        const [a, b] = [first, second].map((points) => parsePolygons(polygon([...points, ...points.slice(0, 1)])));
        if (!a || !b || polygonsArea(a) < 1e6 || polygonsArea(b) < 1e6) return;
        const parts = polygonsArea(a) + polygonsArea(b);
        const together = polygonsArea(unionPolygons([...a, ...b])) + polygonsArea(intersectPolygons(a, b).polygons);
        expect(together / parts).toBeCloseTo(1, 6);
      }),
      { numRuns: 300 },
    );
  });
});

describe('text and map', () => {
  it.each([
    ['POINT (1 2)', '{"type":"Point","coordinates":[1,2]}'],
    ['MULTIPOINT ((1 2), (3 4))', '{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}'],
    ['LINESTRING', undefined],
    ['POINT (1 2) x', undefined],
  ])('%s', (text, json) => {
    expect(geoJsonOfWkt(text)).toBe(json);
  });
  it('densifies planar edges where great circles leave them', () => {
    expect(
      densify(
        [
          [50, 50],
          [51, 51],
        ],
        10,
      ),
    ).toEqual([50, 50.125, 50.25, 50.375, 50.5, 50.625, 50.75, 50.875, 51].map((x) => [x, x]));
    expect(
      densify(
        [
          [-73.949247, 40.79686],
          [-73.973017, 40.764323],
        ],
        10,
      ),
    ).toHaveLength(2);
  });
});

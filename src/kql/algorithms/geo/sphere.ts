/** A unit vector: a point on the sphere. */
export type Vector = readonly [number, number, number];
/** Longitude and latitude in degrees. */
export type Position = readonly [number, number];

/** Metres. @see S2Earth, whose results the service's are: geo_distance_2points in its documentation fits no other radius */
export const earthRadius = 6_371_010;

const radians = Math.PI / 180;

export const isPosition = (longitude: number, latitude: number): boolean =>
  Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;

export function toVector([longitude, latitude]: Position): Vector {
  const [a, b] = [longitude * radians, latitude * radians];
  return [Math.cos(b) * Math.cos(a), Math.cos(b) * Math.sin(a), Math.sin(b)];
}

export const toPosition = ([x, y, z]: Vector): Position => [
  Math.atan2(y, x) / radians,
  Math.atan2(z, Math.sqrt(x * x + y * y)) / radians,
];

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const add = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const scaled = (a: Vector, factor: number): Vector => [a[0] * factor, a[1] * factor, a[2] * factor];
export const difference = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const length = (a: Vector): number => Math.sqrt(dot(a, a));
export const unit = (a: Vector): Vector => scaled(a, 1 / length(a));

/** (a + b) × (b − a) is 2 a × b, and exact enough for points close together. */
export function cross(a: Vector, b: Vector): Vector {
  const [s, d] = [add(a, b), difference(b, a)];
  return [(s[1] * d[2] - s[2] * d[1]) / 2, (s[2] * d[0] - s[0] * d[2]) / 2, (s[0] * d[1] - s[1] * d[0]) / 2];
}

/** Angle between two points, radians. */
export const angle = (a: Vector, b: Vector): number => Math.atan2(length(cross(a, b)), dot(a, b));

/** The point at a fraction of the way from a to b along the great circle. */
export function interpolate(a: Vector, b: Vector, fraction: number): Vector {
  const whole = angle(a, b);
  if (whole === 0) return a;
  const part = whole * fraction;
  const normal = unit(cross(a, b));
  const ahead = cross(normal, a);
  return unit(add(scaled(a, Math.cos(part)), scaled(ahead, Math.sin(part))));
}

/** Radians, some 6 metres. Shorter edges are straight to the last digit, and the shorter they are the less their normal says. */
const straight = 1e-6;

/** The point of the edge a–b that is nearest to p. */
export function closestOnEdge(p: Vector, a: Vector, b: Vector): Vector {
  const way = difference(b, a);
  const square = dot(way, way);
  if (square > straight ** 2) {
    const normal = cross(a, b);
    const foot = difference(p, scaled(normal, dot(p, normal) / dot(normal, normal)));
    if (dot(cross(normal, a), foot) > 0 && dot(cross(b, normal), foot) > 0) return unit(foot);
  } else if (square > 0 && dot(p, a) > 0) {
    // Where p · x / |x| is greatest for x on the chord. a · way is −square / 2; differences keep the digits of points close together.
    const part = 0.5 + (dot(difference(p, a), way) / square - 0.5) / dot(p, a);
    if (part > 0 && part < 1) return unit(add(a, scaled(way, part)));
  }
  return angle(p, a) <= angle(p, b) ? a : b;
}

/** Angle between two edges that do not cross. */
export const edgesGap = ([a, b]: readonly [Vector, Vector], [c, d]: readonly [Vector, Vector]): number =>
  Math.min(
    angle(a, closestOnEdge(a, c, d)),
    angle(b, closestOnEdge(b, c, d)),
    angle(c, closestOnEdge(c, a, b)),
    angle(d, closestOnEdge(d, a, b)),
  );

/** Radians, clockwise from north, from 0 to 2π. */
export function azimuth(from: Position, to: Position): number {
  const [a, b] = [from[1] * radians, to[1] * radians];
  const delta = (to[0] - from[0]) * radians;
  const found = Math.atan2(
    Math.sin(delta) * Math.cos(b),
    Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(delta),
  );
  return found < 0 ? found + 2 * Math.PI : found;
}

/** Signed area of the triangle, positive when counterclockwise, on the unit sphere. @see Eriksson 1990 */
export const triangleArea = (a: Vector, b: Vector, c: Vector): number =>
  2 * Math.atan2(dot(a, cross(difference(b, a), difference(c, a))), 1 + dot(a, b) + dot(b, c) + dot(c, a));

/** Twice the angle that the edge a–b shows from p, counterclockwise positive. */
export const turnSeenFrom = (p: Vector, a: Vector, b: Vector): number =>
  Math.atan2(dot(p, cross(a, b)), dot(a, b) - dot(p, a) * dot(p, b));

/** Metres on the WGS 84 ellipsoid. @see Vincenty 1975, inverse; null where it does not converge (nearly antipodal) */
export function spheroidDistance(from: Position, to: Position): number | null {
  const [semiMajor, flattening] = [6_378_137, 1 / 298.257223563];
  const semiMinor = (1 - flattening) * semiMajor;
  const delta = (to[0] - from[0]) * radians;
  const [u, v] = [from, to].map(([, latitude]) => Math.atan((1 - flattening) * Math.tan(latitude * radians)));
  const [sinU, cosU, sinV, cosV] = [Math.sin(u ?? 0), Math.cos(u ?? 0), Math.sin(v ?? 0), Math.cos(v ?? 0)];
  let lambda = delta;
  for (let round = 0; round < 200; round += 1) {
    const sinSigma = Math.hypot(cosV * Math.sin(lambda), cosU * sinV - sinU * cosV * Math.cos(lambda));
    if (sinSigma === 0) return 0;
    const cosSigma = sinU * sinV + cosU * cosV * Math.cos(lambda);
    const sigma = Math.atan2(sinSigma, cosSigma);
    const sinAlpha = (cosU * cosV * Math.sin(lambda)) / sinSigma;
    const cos2Alpha = 1 - sinAlpha ** 2;
    const cosMiddle = cos2Alpha === 0 ? 0 : cosSigma - (2 * sinU * sinV) / cos2Alpha;
    const c = (flattening / 16) * cos2Alpha * (4 + flattening * (4 - 3 * cos2Alpha));
    const before = lambda;
    lambda =
      delta +
      (1 - c) * flattening * sinAlpha * (sigma + c * sinSigma * (cosMiddle + c * cosSigma * (2 * cosMiddle ** 2 - 1)));
    if (Math.abs(lambda - before) > 1e-12) continue;
    const u2 = (cos2Alpha * (semiMajor ** 2 - semiMinor ** 2)) / semiMinor ** 2;
    const big = 1 + (u2 / 16384) * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    const small = (u2 / 1024) * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    const correction =
      small *
      sinSigma *
      (cosMiddle +
        (small / 4) *
          (cosSigma * (2 * cosMiddle ** 2 - 1) -
            (small / 6) * cosMiddle * (4 * sinSigma ** 2 - 3) * (4 * cosMiddle ** 2 - 3)));
    return semiMinor * big * (sigma - correction);
  }
  return null;
}

import type { Ring } from './geometry.ts';
import type { Vector } from './sphere.ts';
import { add, cross, earthRadius, scaled, unit } from './sphere.ts';

/** A direction at right angles to `a`. @see S2::Ortho, which decides where the service's circles begin */
function orthogonal(a: Vector): Vector {
  const [x, y, z] = a.map(Math.abs);
  const largest = (x ?? 0) > (y ?? 0) ? ((x ?? 0) > (z ?? 0) ? 0 : 2) : (y ?? 0) > (z ?? 0) ? 1 : 2;
  const other = (largest + 2) % 3;
  const temp: Vector = [other === 0 ? 1 : 0.012, other === 1 ? 1 : 0.0053, other === 2 ? 1 : 0.00457];
  return unit(cross(a, temp));
}

const onCircle = (centre: Vector, x: Vector, y: Vector, reach: number, turn: number): Vector =>
  unit(
    add(
      scaled(centre, Math.cos(reach)),
      scaled(add(scaled(x, Math.cos(turn)), scaled(y, Math.sin(turn))), Math.sin(reach)),
    ),
  );

/** Angle between corners of a circle of `radius` metres whose sides come no nearer to the middle than `radius − tolerance`. */
const cornerAngle = (radius: number, tolerance: number): number =>
  2 * Math.acos(1 - Math.min(tolerance / radius, 1 / 2));

/** Corners on the circle, counterclockwise. */
export function pointBuffer(centre: Vector, radius: number, tolerance: number): Ring {
  const count = Math.max(3, Math.ceil((2 * Math.PI) / cornerAngle(radius, tolerance) - 1e-9));
  const x = orthogonal(centre);
  const y = cross(centre, x);
  return Array.from({ length: count }, (_corner, index) =>
    onCircle(centre, x, y, radius / earthRadius, (2 * Math.PI * index) / count),
  );
}

/** Both sides of one edge and round ends, counterclockwise from the left of its start. */
export function edgeBuffer(a: Vector, b: Vector, radius: number, tolerance: number): Ring {
  const step = cornerAngle(radius, tolerance);
  const left = unit(cross(a, b));
  const cap = (end: Vector, from: Vector): Vector[] => {
    const back = cross(end, from);
    const turns = Math.ceil(Math.PI / step - 1e-9);
    return Array.from({ length: turns + 1 }, (_corner, index) =>
      onCircle(end, from, back, radius / earthRadius, Math.min(index * step, Math.PI)),
    );
  };
  return [...cap(a, left), ...cap(b, scaled(left, -1))];
}

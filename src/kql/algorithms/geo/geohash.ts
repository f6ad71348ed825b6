import { inSetOrder } from './set-order.ts';
import type { Position } from './sphere.ts';
import { isPosition } from './sphere.ts';

const alphabet = '0123456789bcdefghjkmnpqrstuvwxyz';

/** @param accuracy characters, 1 to 18 @returns undefined outside the globe or the accuracy */
export function geohash(longitude: number, latitude: number, accuracy: number): string | undefined {
  if (!isPosition(longitude, latitude) || !(accuracy >= 1 && accuracy <= 18)) return undefined;
  const longitudes: [number, number] = [-180, 180];
  const latitudes: [number, number] = [-90, 90];
  let text = '';
  let east = true;
  while (text.length < accuracy) {
    let code = 0;
    for (let bit = 0; bit < 5; bit += 1) {
      const range = east ? longitudes : latitudes;
      const middle = (range[0] + range[1]) / 2;
      const upper = (east ? longitude : latitude) >= middle;
      range[upper ? 0 : 1] = middle;
      code = code * 2 + Number(upper);
      east = !east;
    }
    text += alphabet.charAt(code);
  }
  return text;
}

interface Box {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** @returns undefined when the text is no geohash of at most 18 characters */
export function geohashBox(text: string): Box | undefined {
  if (text.length === 0 || text.length > 18) return undefined;
  let [west, east, south, north] = [-180, 180, -90, 90];
  let horizontal = true;
  for (const character of text) {
    const code = alphabet.indexOf(character);
    if (code < 0) return undefined;
    for (let bit = 16; bit >= 1; bit /= 2) {
      const upper = Math.floor(code / bit) % 2 === 1;
      if (horizontal) [west, east] = upper ? [(west + east) / 2, east] : [west, (west + east) / 2];
      else [south, north] = upper ? [(south + north) / 2, north] : [south, (south + north) / 2];
      horizontal = !horizontal;
    }
  }
  return { west, east, south, north };
}

export const boxCentre = ({ west, east, south, north }: Box): Position => [(west + east) / 2, (south + north) / 2];
/** Counterclockwise from the south-west corner. */
export const boxCorners = ({ west, east, south, north }: Box): Position[] => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
];

/** Clockwise from the north-west. */
const around: readonly (readonly [number, number])[] = [
  [-1, 1],
  [0, 1],
  [1, 1],
  [1, 0],
  [1, -1],
  [0, -1],
  [-1, -1],
  [-1, 0],
];

export function geohashNeighbours(text: string): string[] | undefined {
  const box = geohashBox(text);
  if (!box) return undefined;
  const [x, y] = boxCentre(box);
  const found = around.flatMap(([right, up]) => {
    const latitude = y + up * (box.north - box.south);
    let longitude = x + right * (box.east - box.west);
    if (longitude > 180) longitude -= 360;
    if (longitude < -180) longitude += 360;
    return geohash(longitude, latitude, text.length) ?? [];
  });
  return inSetOrder(found.filter((other) => other !== text));
}

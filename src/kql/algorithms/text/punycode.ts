/** Punycode (RFC 3492, with the parameters of section 5). */
const base = 36;
const tMin = 1;
const tMax = 26;

function adapt(delta: number, points: number, first: boolean): number {
  let left = first ? Math.floor(delta / 700) : delta >> 1;
  left += Math.floor(left / points);
  let k = 0;
  for (; left > ((base - tMin) * tMax) >> 1; k += base) left = Math.floor(left / (base - tMin));
  return k + Math.floor(((base - tMin + 1) * left) / (left + 38));
}

const threshold = (k: number, bias: number): number => (k <= bias ? tMin : k >= bias + tMax ? tMax : k - bias);
const digit = (value: number): string => String.fromCharCode(value < 26 ? value + 97 : value + 22);

export function encodePunycode(text: string): string {
  const points = Array.from(text).map((character) => character.codePointAt(0) ?? 0);
  const basic = points.filter((point) => point < 128);
  let output = String.fromCodePoint(...basic) + (basic.length > 0 ? '-' : '');
  let [n, delta, bias, handled] = [128, 0, 72, basic.length];
  while (handled < points.length) {
    const next = Math.min(...points.filter((point) => point >= n));
    delta += (next - n) * (handled + 1);
    n = next;
    for (const point of points) {
      if (point < n) delta += 1;
      if (point !== n) continue;
      let q = delta;
      for (let k = base; ; k += base) {
        const t = threshold(k, bias);
        if (q < t) break;
        output += digit(t + ((q - t) % (base - t)));
        q = Math.floor((q - t) / (base - t));
      }
      output += digit(q);
      bias = adapt(delta, handled + 1, handled === basic.length);
      delta = 0;
      handled += 1;
    }
    delta += 1;
    n += 1;
  }
  return output;
}

/** @throws RangeError when the text is no punycode */
export function decodePunycode(text: string): string {
  const split = text.lastIndexOf('-');
  const points = Array.from(text.slice(0, Math.max(split, 0))).map((character) => character.codePointAt(0) ?? 0);
  let [n, i, bias] = [128, 0, 72];
  for (let at = split + 1; at < text.length;) {
    const start = i;
    for (let [w, k] = [1, base]; ; k += base) {
      const code = text.charCodeAt(at++);
      const value =
        code >= 48 && code < 58
          ? code - 22
          : code >= 65 && code < 91
            ? code - 65
            : code >= 97 && code < 123
              ? code - 97
              : base;
      if (!(value < base)) throw new RangeError('This is no punycode.');
      i += value * w;
      const t = threshold(k, bias);
      if (value < t) break;
      w *= base - t;
    }
    bias = adapt(i - start, points.length + 1, start === 0);
    n += Math.floor(i / (points.length + 1));
    i %= points.length + 1;
    points.splice(i, 0, n);
    i += 1;
  }
  return String.fromCodePoint(...points);
}

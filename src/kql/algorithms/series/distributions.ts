/** Lanczos, g = 607/128: 15 digits. @see Numerical Recipes 3rd ed. 6.1 */
const lanczos = [
  57.15623566586292, -59.59796035547549, 14.136097974741746, -0.4919138160976202, 0.00003399464998481189,
  0.00004652362892704858, -0.00009837447530487956, 0.0001580887032249125, -0.00021026444172410488,
  0.00021743961811521265, -0.0001643181065367639, 0.00008441822398385275, -0.000026190838401581408,
  0.0000036899182659531625,
];

/** ln Γ(x) for x > 0; NaN below. */
export function logGamma(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : NaN;
  const shifted = x + 5.2421875;
  const head = (x + 0.5) * Math.log(shifted) - shifted;
  const sum = lanczos.reduce((all, coefficient, index) => all + coefficient / (x + index + 1), 0.9999999999999971);
  return head + Math.log((2.5066282746310007 * sum) / x);
}

/** Γ(x); whole numbers exactly, negatives by reflection. */
export function gamma(x: number): number {
  if (Number.isInteger(x) && x > 0 && x <= 171) {
    let product = 1;
    for (let factor = 2; factor < x; factor += 1) product *= factor;
    return product;
  }
  if (x <= 0) return Number.isInteger(x) ? NaN : Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
  return Math.exp(logGamma(x));
}

const iterationsMax = 10_000;
const tiny = 1e-300;

/** Regularized upper incomplete gamma at a = 1/2, by Lentz's continued fraction: erfc for x² > 1.5. */
function erfcFraction(x: number): number {
  const square = x * x;
  let b = square + 0.5;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let index = 1; index < iterationsMax; index += 1) {
    const a = -index * (index - 0.5);
    b += 2;
    d = 1 / (a * d + b || tiny);
    c = b + a / c || tiny;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return (x * Math.exp(-square) * h) / Math.sqrt(Math.PI);
}

/** Error function: series near zero, continued fraction outside. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) > 2) return Math.sign(x) * (1 - erfcFraction(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let index = 1; index < 200; index += 1) {
    term *= (-x * x) / index;
    sum += term / (2 * index + 1);
    if (Math.abs(term) < 1e-18) break;
  }
  return (2 * sum) / Math.sqrt(Math.PI);
}

export const erfc = (x: number): number => (x > 2 ? erfcFraction(x) : 1 - erf(x));

/** Regularized incomplete beta. @see Numerical Recipes 6.4 */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let h = d;
  for (let index = 1; index < iterationsMax; index += 1) {
    const even = (index * (b - index) * x) / ((a + 2 * index - 1) * (a + 2 * index));
    d = 1 / (1 + even * d || tiny);
    c = 1 + even / c || tiny;
    h *= d * c;
    const odd = (-(a + index) * (a + b + index) * x) / ((a + 2 * index) * (a + 2 * index + 1));
    d = 1 / (1 + odd * d || tiny);
    c = 1 + odd / c || tiny;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return h;
}

export const betaPdf = (x: number, a: number, b: number): number =>
  Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + (a - 1) * Math.log(x) + (b - 1) * Math.log1p(-x));

/** By bisection: 200 halvings reach the last digit. */
export function betaInverse(probability: number, a: number, b: number): number {
  if (probability >= 1) return 1;
  let [low, high] = [0, 1];
  for (let round = 0; round < 200; round += 1) {
    const middle = (low + high) / 2;
    if (betaCdf(middle, a, b) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export interface Sample {
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

/** Two-sided p-value of Welch's t-test. */
export function welchTest(first: Sample, second: Sample): number {
  const [u, v] = [first.variance / first.count, second.variance / second.count];
  const t = (first.mean - second.mean) / Math.sqrt(u + v);
  const freedom = (u + v) ** 2 / (u ** 2 / (first.count - 1) + v ** 2 / (second.count - 1));
  return betaCdf(freedom / (freedom + t * t), freedom / 2, 0.5);
}

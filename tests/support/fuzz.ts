import * as fc from 'fast-check';

const asked = process.env['KUSTODY_FUZZ'];
const isCi = process.env['CI'] !== undefined;

/** Properties see the same cases in every run, so that a test which passed goes on passing until the code changes. Looking for new cases
 * is work of its own: `KUSTODY_FUZZ=N` looks in another place each time, and N times over where a property says `fuzz()`. */
export function fixSeed(): void {
  if (asked === undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 1 });
}

/** For properties over a space so large that each run may find something new.
 * @param inCi runs in CI
 * @param here runs elsewhere, the first of those */
export const fuzz = (inCi: number, here = inCi): { readonly numRuns: number } => ({
  numRuns: asked !== undefined ? Number(asked) : isCi ? inCi : here,
});

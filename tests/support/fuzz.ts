/** For properties over a space so large that each run may find something new: by default a few runs that are always the same; with
 * `KUSTODY_FUZZ=N` N runs that are not. */
export function fuzz(runs: number): { readonly numRuns: number; readonly seed?: number } {
  const asked = process.env['KUSTODY_FUZZ'];
  return asked === undefined ? { numRuns: runs, seed: 1 } : { numRuns: Number(asked) };
}

/** Counts that `.ci/run` asks for. */
const counts = [
  'KUSTODY_CRASH_RUNS',
  'KUSTODY_LIFECYCLES',
  'KUSTODY_MALFORMED',
  'KUSTODY_TEMPLATES',
  'KUSTODY_MUTATIONS',
  'KUSTODY_TAMPERINGS',
  'KUSTODY_AUDITED',
];

/** A run that does not end shows nothing, and how long a machine takes is not known when it begins. So test files that begin after `KUSTODY_LATE_FROM`
 * (seconds since 1970) take the counts and samples of `npm test`; `.ci/run`, which sets it, says when that was so.
 * @param env what long runs take their counts from, which is changed */
export function shortenLateRuns(env: NodeJS.ProcessEnv, nowMs: number): void {
  const from = env['KUSTODY_LATE_FROM'];
  if (from === undefined || nowMs < Number(from) * 1000) return;
  for (const name of counts) Reflect.deleteProperty(env, name);
  if (env['KUSTODY_CASES'] === 'all') env['KUSTODY_CASES'] = 'samples';
}

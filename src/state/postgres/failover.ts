const namesShownMax = 200;

/** What a standby that takes over has of what was acknowledged, in words.
 * @param standbys `synchronous_standby_names` of the primary
 * @param waitsFor its `synchronous_commit`
 * @see https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT */
export function failoverText(standbys: string, waitsFor: string): string {
  const names = standbys
    .replaceAll(/[^ -~]/g, '?')
    .slice(0, namesShownMax)
    .trim();
  if (names === '' || waitsFor === 'local') {
    const why = names === '' ? 'synchronous_standby_names is empty' : 'synchronous_commit = local';
    return `Failover is asynchronous: a standby that takes over may lack commits that were acknowledged (${why}).`;
  }
  const has = waitsFor === 'remote_write' ? 'received commits, if not on the disk,' : 'commits on the disk';
  return `Failover is synchronous: standbys of ${names} have ${has} before they are acknowledged; any other may lack some.`;
}

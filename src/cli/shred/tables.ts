import type { ShredCertificate } from './certificate.ts';

export interface PlainTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const stateTexts = {
  there: 'there',
  deleted: 'deleted',
  vaultDeleted: 'deleted with its vault',
  purged: 'purged',
  unknown: 'not known here',
} as const;

export const keyTable = ({ keys }: ShredCertificate): PlainTable => ({
  head: ['key', 'versions', 'used by', 'first used', 'last used', 'state', 'purged on'],
  rows: keys.map(({ key, versions, usedBy, firstUsed, lastUsed, state, purgedOn }) => [
    ...[key, String(versions.length), usedBy.join(', '), seconds(firstUsed), seconds(lastUsed)],
    ...[stateTexts[state], seconds(purgedOn)],
  ]),
});

/** Tables with what was read of them before, and what came of reading them now. */
export const attemptTable = ({ control, attempts }: ShredCertificate): PlainTable => ({
  head: ['table', 'extents opened before', 'now'],
  rows: attempts.map(({ cluster, database, table, outcome, error }) => {
    const before = control?.tables.find(
      (one) => one.cluster === cluster && one.database === database && one.table === table,
    );
    return [
      `${cluster}/${database}.${table}`,
      before === undefined ? '' : `${before.opened} of ${before.listed}`,
      error === undefined ? outcome : `${outcome} (${error})`,
    ];
  }),
});

const seconds = (time: string | undefined): string => (time === undefined ? '' : `${time.slice(0, 19)}Z`);

import { textTable } from '../text-table.ts';
import type { Signed } from '../proof/signature.ts';
import { signerText } from '../proof/signature.ts';
import type { ShredCertificate } from './certificate.ts';
import { verdictOf } from './certificate.ts';
import { copyTable } from '../custody/copy-table.ts';
import { attemptTable, keyTable } from './tables.ts';

/** Before anything is deleted. */
export function planText(plan: ShredCertificate): string {
  const names = plan.clusters.map(({ name, follower }) => `${name}${follower ? ' (follows)' : ''}`).join(', ');
  return [`Keys of ${names}:`, tableText(keyTable(plan)), ...copiesText(plan), ...usersText(plan)].join('\n');
}

/** For a terminal. */
export function shredText(certificate: Signed<ShredCertificate>, file: string): string {
  const parts = [
    tableText(keyTable(certificate)),
    ...(certificate.attempts.length === 0 ? [] : [tableText(attemptTable(certificate))]),
    ...copiesText(certificate),
    ...usersText(certificate),
    verdictOf(certificate),
    ['What this does not prove:', ...certificate.limits.map((limit) => `  - ${limit}`)].join('\n'),
    `${signerText(certificate.signature)} It is in ${file}.`,
  ];
  return `${parts.join('\n\n')}\n`;
}

const tableText = ({ head, rows }: ReturnType<typeof keyTable>): string => textTable(head, rows);

const copiesText = (certificate: ShredCertificate): readonly string[] =>
  certificate.copies.length === 0
    ? []
    : [`What could still open or hold the data:\n${tableText(copyTable(certificate.copies))}`];

const usersText = ({ alsoUsedBy }: ShredCertificate): readonly string[] =>
  alsoUsedBy.length === 0
    ? []
    : [
        [
          'Others have used these keys; what they wrapped opens no more, either:',
          ...alsoUsedBy.map(({ key, caller, last }) => `  ${caller}, last ${last}: ${key}`),
        ].join('\n'),
      ];

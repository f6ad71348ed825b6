import { htmlPage, htmlTable, htmlText as text } from '../proof/html.ts';
import type { Signed } from '../proof/signature.ts';
import { signerText } from '../proof/signature.ts';
import type { ShredCertificate, ShredStatus } from './certificate.ts';
import { verdictOf } from './certificate.ts';
import type { PlainTable } from './tables.ts';
import { copyTable } from '../custody/copy-table.ts';
import { attemptTable, keyTable } from './tables.ts';

const verdictClasses: { readonly [Status in ShredStatus]: string } = {
  destroyed: 'good',
  pending: 'open',
  notDestroyed: 'bad',
};

/** One HTML document that stands by itself: it loads nothing and runs nothing. */
export function shredPage(certificate: Signed<ShredCertificate>): string {
  const { status, clusters, madeOn, madeOnKustodyClock, kustody, dataDirectory, alsoUsedBy, history } = certificate;
  const names = clusters.map(
    ({ name, resourceId, follower }) =>
      `<li><b>${text(name)}</b>${follower ? ' (follows)' : ''} <code>${text(resourceId)}</code></li>`,
  );
  return htmlPage(
    'Kustody: crypto-shred certificate',
    `<header>
<h1>Crypto-shred certificate</h1>
<p class="soft">Made ${text(madeOn)} (${text(madeOnKustodyClock)} on the Kustody clock) by Kustody ${text(kustody)} of <code>${text(dataDirectory)}</code></p>
</header>
<p class="verdict ${verdictClasses[status]}">${text(verdictOf(certificate))}</p>
<h2>Clusters</h2>
<ul>${names.join('')}</ul>
<h2>Keys that they and their databases are, or ever were, under</h2>
<p class="soft">From the audit${history.since === undefined ? '' : ` since ${text(history.since)}`}${history.complete ? ', which is whole' : ', of which older events were removed'}. With a key go all its versions.</p>
${tableOf(keyTable(certificate))}
<h2>What was tried</h2>
${controlText(certificate)}
${certificate.attempts.length === 0 ? '<p>Nothing was tried.</p>' : tableOf(attemptTable(certificate))}
<h2>What could still open or hold the data</h2>
${certificate.copies.length === 0 ? '<p>The audit tells of no backup, import or release of these keys, of no export and no other follower.</p>' : tableOf(copyTable(certificate.copies))}
${
  alsoUsedBy.length === 0
    ? ''
    : `<h2>Others who have used the keys</h2><p class="soft">What they wrapped opens no more, either.</p>${htmlTable(
        ['key', 'by', 'last'],
        alsoUsedBy.map(({ key, caller, last }) => [key, caller, last]),
      )}`
}
<h2>What this does not prove</h2>
<ul class="limits">
${certificate.limits.map((limit) => `<li>${text(limit)}</li>`).join('\n')}
</ul>
<p class="soft">${text(signerText(certificate.signature))} The JSON of the same certificate is what <code>kustody proof verify</code> checks.</p>`,
  );
}

const tableOf = ({ head, rows }: PlainTable): string => htmlTable(head, rows);

const controlText = ({ control }: ShredCertificate): string =>
  control === undefined
    ? '<p>No extent was seen to open before: the cluster did not serve.</p>'
    : `<p>Before anything was deleted, on ${text(control.madeOn)}, a value of a row of each extent was read by queries (the positive control). Afterwards the same tables were asked again.</p>`;

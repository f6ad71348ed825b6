import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import { bytesText, custodyText, exportLines, extentsOf, loggedRowsOf, shortTime } from '../clusters.ts';
import { copyTable, notTakenAway } from '../custody/copy-table.ts';
import { custodyCells, custodyTitles } from './custody.ts';
import { useCells, useTitles } from './fold-key-uses.ts';
import { htmlCell, htmlPage, htmlTable, htmlText as text, wide } from './html.ts';
import type { ProofReport } from './report.ts';
import { totalsOf } from './report.ts';
import { verdictOf } from './verdict.ts';
import type { SignedReport } from './signature.ts';
import { signerText } from './signature.ts';

/** One HTML document that stands by itself: it loads nothing and runs nothing. */
export function proofPage(report: SignedReport): string {
  const { clusters, scan, canaries } = report;
  return htmlPage(
    'Kustody: proof of encryption at rest',
    `<header>
<h1>Proof of encryption at rest</h1>
<p class="soft">Made ${text(shortTime(Date.parse(report.madeOn)))} by Kustody ${text(report.kustody)} of <code>${text(report.dataDirectory)}</code></p>
</header>
<p class="verdict ${verdictClass(report)}">${text(verdictOf(report))}</p>
${facts(report)}
<h2>Which key opens what</h2>
<p class="soft">The key in the vault (KEK) wraps one cluster key. The cluster key wraps a data key (DEK) of each extent. Without the KEK none of them opens.</p>
${clusters.length === 0 ? '<p>There are no clusters.</p>' : clusters.map(clusterSection).join('\n')}
${custodySection(report)}
${usesSection(report)}
${copiesSection(report)}
<h2>Scan of the disk</h2>
<p>Every file below the data directory was read: ${scan.files} files, ${text(bytesText(scan.bytes))}. Texts were looked for as UTF-8, UTF-16 (both orders) and base64 (all three alignments).</p>
${canaryTable(report)}
${scan.unreadable.length === 0 ? '' : `<p><b>Could not be read:</b> ${scan.unreadable.map((file) => `<code>${text(file)}</code>`).join(', ')}</p>`}
<p class="soft">${canaries.length === 0 ? 'Give canaries with --canary: texts that are in the data and nowhere else.' : 'The canaries are repeated here: keep this page where the rows themselves may be kept.'}</p>
<h2>What this does not prove</h2>
<p>The root key of this directory lies ${report.rootKey === 'besideTheData' ? '<b>beside the data</b>, in <code>root.key</code>' : 'elsewhere, not in this directory'}.</p>
<ul class="limits">
${report.limits.map((limit) => `<li>${text(limit)}</li>`).join('\n')}
</ul>
<p class="soft">${text(signerText(report.signature))} The JSON of the same proof is what <code>kustody proof verify</code> checks.</p>`,
  );
}

function custodySection({ custody }: ProofReport): string {
  if (custody.length === 0) return '';
  return `<h2>History of custody</h2>
<p class="soft">From the audit: what was done to the keys that clusters are or were under, who first used one when, and when a cluster was refused and answered again.</p>
${htmlTable(custodyTitles, custody.map(custodyCells))}`;
}

function usesSection({ keyUses }: ProofReport): string {
  if (keyUses.length === 0) return '';
  return `<h2>What was asked of these keys</h2>
<p class="soft">From the audit of the vaults here, equal requests counted. Vaults outside keep a log of their own.</p>
${htmlTable(useTitles, keyUses.map(useCells))}`;
}

function copiesSection({ copies }: ProofReport): string {
  if (copies.length === 0) return '';
  const { head, rows } = copyTable(copies);
  return `<h2>What is not taken away with these keys</h2>
<p class="soft">From the audit: ${text(notTakenAway.toLowerCase())}.</p>
${htmlTable(head, rows)}`;
}

function verdictClass({ ok, canaries }: ProofReport): string {
  if (!ok) return 'bad';
  return canaries.length === 0 ? 'open' : 'good';
}

function facts(report: ProofReport): string {
  const totals = totalsOf(report);
  const items: readonly (readonly [string, string])[] = [
    [String(totals.clusters), totals.clusters === 1 ? 'cluster' : 'clusters'],
    [
      String(totals.extents),
      totals.notListed === 0
        ? totals.extents === 1
          ? 'sealed extent'
          : 'sealed extents'
        : `sealed extents; ${totals.notListed} not listed`,
    ],
    [String(totals.deks), 'data keys (DEKs), one each'],
    [bytesText(totals.sealedBytes), 'sealed at rest'],
    [String(report.scan.files), 'files scanned'],
  ];
  return `<ul class="facts">${items.map(([value, label]) => `<li><b>${text(value)}</b><span>${text(label)}</span></li>`).join('')}</ul>`;
}

function clusterSection(cluster: ClusterDescription): string {
  const extents = extentsOf(cluster);
  const isOn = cluster.suspension === undefined && cluster.state === 'Running';
  return `<section class="cluster">
<h3>${text(cluster.name)}<span class="state${isOn ? '' : ' off'}">${text(cluster.state)}</span></h3>
<p class="id">${text(cluster.resourceId)}</p>
<div class="chain">
<div><b>KEK</b><span class="id">${text(cluster.kid)}</span><p class="soft">${text(custodyText(cluster))}</p></div>
<i>wraps →</i>
<div><b>Cluster key, generation ${cluster.generation}</b><p class="soft">${cluster.unwrappedOn === undefined ? 'not unwrapped now' : `unwrapped last ${text(shortTime(Date.parse(cluster.unwrappedOn)))}`}</p></div>
<i>wraps →</i>
<div><b>${extents.length} ${extents.length === 1 ? 'DEK' : 'DEKs'}</b><p class="soft">AES-256-GCM, one for each extent</p></div>
</div>
${cluster.suspension === undefined ? '' : `<p><b>Suspended since ${text(cluster.suspension.since)}:</b> ${text(cluster.suspension.reason)}</p>`}
${cluster.warning === undefined ? '' : `<p><b>Warning:</b> ${text(cluster.warning)}</p>`}
${cluster.notListed === undefined ? '' : `<p>${text(cluster.notListed)}</p>`}
${loggedRowsOf(cluster) === 0 ? '' : `<p class="soft">${loggedRowsOf(cluster)} rows are in the log of small writes, sealed under the log key of this generation; they become an extent later.</p>`}
${exportLines(cluster)
  .map((line) => `<p>${text(line.trim())}</p>`)
  .join('\n')}
${extents.length === 0 ? '' : extentTable(extents)}
</section>`;
}

function extentTable(extents: ReturnType<typeof extentsOf>): string {
  const rows = extents.map(
    (extent) =>
      `<tr>${htmlCell(`${extent.database}.${extent.table}`)}<td class="id">${text(extent.extentId)}</td><td class="id">${text(extent.dekId)}</td><td class="n">${extent.rowCount}</td><td class="n">${text(bytesText(extent.sealedBytes))}</td><td class="t">${text(shortTime(extent.maxCreatedOn))}</td></tr>`,
  );
  return wide(`<thead><tr><th>Table</th><th>Extent</th><th>DEK</th><th class="n">Rows</th><th class="n">Sealed</th><th>Rows created</th></tr></thead><tbody>
${rows.join('\n')}
</tbody>`);
}

function canaryTable({ canaries, controls, scan }: ProofReport): string {
  if (canaries.length === 0) return '';
  const rows = canaries.map((canary) => {
    const found = scan.matches.filter((match) => match.canary === canary);
    const where = found.map(({ file, form, offset }) => `<code>${text(file)}</code> (${form}, byte ${offset})`);
    const control = controls.find((one) => one.canary === canary);
    const rowsText = control?.table === undefined ? 'no row' : `${control.rows} in ${control.table}`;
    return `<tr><td><code>${text(canary)}</code></td>${htmlCell(rowsText)}<td>${where.length === 0 ? 'nowhere' : where.join('<br>')}</td></tr>`;
  });
  return wide(
    `<thead><tr><th>Canary</th><th>Rows that hold it</th><th>Found on the disk</th></tr></thead><tbody>${rows.join('')}</tbody>`,
  );
}

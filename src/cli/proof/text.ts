import { textTable } from '../text-table.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import { bytesText, custodyText, exportLines, extentsOf, loggedRowsOf, shortTime, unwrappedText } from '../clusters.ts';
import { copyText } from '../custody/copy-table.ts';
import { custodyCells, custodyTitles } from './custody.ts';
import type { PositiveControl } from './positive-control.ts';
import type { KeyUse } from './fold-key-uses.ts';
import { useCells, useTitles } from './fold-key-uses.ts';
import { verdictOf } from './verdict.ts';
import type { SignedReport } from './signature.ts';
import { signerText } from './signature.ts';

/** For a terminal. */
export function proofText(report: SignedReport): string {
  const { clusters, scan, dataDirectory } = report;
  const parts = clusters.length === 0 ? ['There are no clusters.'] : clusters.map(clusterText);
  const lines = [
    `Scan of ${dataDirectory}: ${scan.files} files, ${bytesText(scan.bytes)}.`,
    verdictOf(report),
    ...report.controls.map(controlText).map((line) => `  ${line}`),
    ...scan.matches.map(({ file, form, offset }) => `  ${file}: ${form}, at byte ${offset}`),
    ...scan.unreadable.map((file) => `  ${file}: could not be read`),
  ];
  const uses = report.keyUses.length === 0 ? [] : [`What was asked of these keys:\n${usesTable(report.keyUses)}`];
  const custody =
    report.custody.length === 0
      ? []
      : [`History of custody:\n${textTable(custodyTitles, report.custody.map(custodyCells))}`];
  const said = ['What this does not prove:', ...report.limits.map((limit) => `  - ${limit}`)];
  const signed = signerText(report.signature);
  return `${[...parts, ...custody, ...uses, ...copyText(report.copies), lines.join('\n'), said.join('\n'), signed].join('\n\n')}\n`;
}

const usesTable = (uses: readonly KeyUse[]): string => textTable(useTitles, uses.map(useCells));

const controlText = ({ canary, table, rows }: PositiveControl): string =>
  table === undefined
    ? `'${canary}' is in no row`
    : `'${canary}' is in ${rows} ${rows === 1 ? 'row' : 'rows'} of ${table}`;

function clusterText(cluster: ClusterDescription): string {
  const head = [
    `Cluster ${cluster.name} (${cluster.state})`,
    `  resource     ${cluster.resourceId}`,
    `  KEK          ${cluster.kid}`,
    `  custody      ${custodyText(cluster)}`,
    `  cluster key  generation ${cluster.generation}, ${unwrappedText(cluster)}`,
    ...(cluster.suspension === undefined ? [] : [`  suspended    ${cluster.suspension.reason}`]),
    ...(cluster.warning === undefined ? [] : [`  warning      ${cluster.warning}`]),
    ...(cluster.notListed === undefined ? [] : [`  ${cluster.notListed}`]),
  ];
  head.push(...exportLines(cluster));
  const logged = loggedRowsOf(cluster);
  if (logged > 0)
    head.push(`  ${logged} rows are in the log of small writes, sealed under the log key of this generation.`);
  const extents = extentsOf(cluster);
  if (extents.length === 0) return head.join('\n');
  const cells = extents.map((extent) => [
    `${extent.database}.${extent.table}`,
    extent.extentId,
    extent.dekId,
    String(extent.rowCount),
    bytesText(extent.sealedBytes),
    shortTime(extent.maxCreatedOn),
  ]);
  const titles = ['database.table', 'extent', 'DEK', 'rows', 'sealed', 'rows created'];
  return [...head, textTable(titles, cells)].join('\n');
}

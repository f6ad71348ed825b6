import { Button, Spinner, TableCell, TableRow, Text } from '@fluentui/react-components';
import { custodyCells, custodyTitles } from '../../../src/cli/proof/custody.ts';
import { useCells as cellsOfUse, useTitles as titlesOfUses } from '../../../src/cli/proof/fold-key-uses.ts';
import type { Cluster } from '../api/control.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { ScrollTable, useCellStyles } from '../shell/scroll-table.tsx';
import { readAudit } from './read-audit.ts';
import { useLook } from './use-look.ts';

const rowsMax = 200;

/** What was done to the keys, and what was asked of them, as `kustody proof` tells it from the audit. Read when asked for: it may be long. */
export function HistoryCard({ clusters }: { readonly clusters: readonly Cluster[] }) {
  const { found: read, failure, busy, look } = useLook((signal) => readAudit(clusters, signal));
  return (
    <Card title="History of custody">
      <Text>
        From the audit of the vaults here: what was done to the keys that clusters are or were under, who first used one
        when, when a cluster was refused and answered again, and every unwrap. Vaults outside keep a log of their own.
      </Text>
      <div>
        <Button disabled={busy} onClick={look}>
          {read === undefined ? 'Read the audit' : 'Read it again'}
        </Button>
      </div>
      {busy && <Spinner size="tiny" label="Reading the audit" />}
      {failure !== undefined && <FailureBar failure={failure} />}
      {read !== undefined && (
        <>
          {!read.wholeLog && <Text>Events before {read.since} were removed: what came before is not told.</Text>}
          <Rows label="What became of the keys" titles={custodyTitles} rows={read.custody.map(custodyCells)} />
          <Rows label="What was asked of the keys" titles={titlesOfUses} rows={read.uses.map(cellsOfUse)} />
        </>
      )}
    </Card>
  );
}

interface RowsProps {
  readonly label: string;
  readonly titles: readonly string[];
  /** The oldest first; the newest are shown. */
  readonly rows: readonly (readonly string[])[];
}

function Rows({ label, titles, rows }: RowsProps) {
  const cells = useCellStyles();
  if (rows.length === 0) return <Text>{label}: the audit tells of nothing.</Text>;
  return (
    <>
      <Text weight="semibold">{label}</Text>
      <ScrollTable label={label} columns={titles.map((title) => `${title[0]?.toUpperCase() ?? ''}${title.slice(1)}`)}>
        {rows.slice(-rowsMax).map((row, at) => (
          <TableRow key={at} data-testid="told">
            {row.map((text, column) => (
              <TableCell key={titles[column]} className={cells.broken}>
                {text}
              </TableCell>
            ))}
          </TableRow>
        ))}
      </ScrollTable>
      {rows.length > rowsMax && <Text>{rows.length - rowsMax} older ones are not shown: kustody proof has all.</Text>}
    </>
  );
}

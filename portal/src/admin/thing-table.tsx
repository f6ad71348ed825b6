import { makeStyles, TableCell, TableRow, Text, tokens } from '@fluentui/react-components';
import { ScrollTable, useCellStyles } from '../shell/scroll-table.tsx';
import type { Thing, ThingKind } from './thing-kind.ts';

const useStyles = makeStyles({
  name: { overflowWrap: 'anywhere', fontWeight: tokens.fontWeightSemibold },
});

const rowsMax = 500;

/** All things of one kind. */
export function ThingTable({ kind, things }: { readonly kind: ThingKind; readonly things: readonly Thing[] }) {
  const styles = useStyles();
  const { broken } = useCellStyles();
  if (things.length === 0) return <Text>There is nothing of this kind.</Text>;
  return (
    <>
      <ScrollTable label={kind.title} columns={kind.columns}>
        {things.slice(0, rowsMax).map((thing) => (
          <TableRow key={thing.id} data-testid="thing">
            <TableCell className={styles.name}>{thing.name}</TableCell>
            {thing.cells.map((text, at) => (
              <TableCell key={at} className={broken}>
                {text}
              </TableCell>
            ))}
          </TableRow>
        ))}
      </ScrollTable>
      {things.length > rowsMax && <Text>{things.length - rowsMax} more are not shown.</Text>}
    </>
  );
}

import { Button, makeStyles, TableCell, TableRow, tokens } from '@fluentui/react-components';
import { Fragment } from 'react';
import type { CellName, DrillCellOutcome, DrillRunRow } from '../../../src/server/drill-matrix.ts';
import { actionNames, actionTitles, wayRows } from '../../../src/server/drill-matrix.ts';
import { ScrollTable } from '../shell/scroll-table.tsx';

const useStyles = makeStyles({
  way: { fontWeight: tokens.fontWeightSemibold },
  cell: { fontWeight: tokens.fontWeightRegular, textAlign: 'left', minWidth: 0, paddingInline: '4px' },
  short: { display: 'block', minWidth: '7ch' },
  long: { display: 'block', minWidth: '13ch' },
  // Thirteen of them: on a narrow screen the table is moved sideways.
  column: { width: '90px' },
  problem: { color: tokens.colorStatusDangerForeground3 },
});

export interface OpenedCell {
  readonly way: DrillRunRow['way'];
  readonly cell: CellName;
}

export const cellTitle = (cell: CellName): string =>
  cell === 'taken' ? 'bit after' : cell === 'givenBack' ? 'healed after' : actionTitles[cell];

const cellNames: readonly CellName[] = ['taken', ...actionNames, 'givenBack'];

/** Each way to lose a key against each action, as far as it is known. */
export function MatrixTable({
  rows,
  open,
}: {
  readonly rows: readonly DrillRunRow[];
  readonly open: (cell: OpenedCell) => void;
}) {
  const styles = useStyles();
  return (
    <ScrollTable
      label="Ways to lose a key"
      columns={['What happened', ...cellNames.map(cellTitle)].map((name) => ({ name, className: styles.column }))}
    >
      {rows.map(({ way, title, state, cells, problems }) => (
        <TableRow key={way} data-testid="way" data-state={state}>
          <TableCell className={styles.way}>
            {title}
            {problems.map((problem) => (
              <div key={problem} className={styles.problem}>
                {problem}
              </div>
            ))}
          </TableCell>
          {cellNames.map((cell) => {
            const outcome = cells[cell];
            return (
              <TableCell key={cell}>
                {outcome === undefined ? (
                  <span role="img" aria-label="not yet">
                    {state === 'underWay' ? '…' : ''}
                  </span>
                ) : (
                  <Button
                    size="small"
                    appearance="subtle"
                    className={styles.cell}
                    aria-label={`${title}, ${cellTitle(cell)}: ${outcomeText(outcome, cell, way)}`}
                    onClick={() => open({ way, cell })}
                  >
                    <BrokenUp text={outcomeText(outcome, cell, way)} />
                  </Button>
                )}
              </TableCell>
            );
          })}
        </TableRow>
      ))}
    </ScrollTable>
  );
}

/** Long names of errors go over several lines, between two words of theirs. */
function BrokenUp({ text }: { readonly text: string }) {
  const styles = useStyles();
  return (
    <span className={text.length > 24 ? styles.long : styles.short}>
      {text.split(/(?<=[a-z])(?=[A-Z])/).map((part, at) => (
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </span>
  );
}

function outcomeText(
  { kind, error, status, seconds }: DrillCellOutcome,
  cell: CellName,
  way: DrillRunRow['way'],
): string {
  if (kind === 'served') return 'served';
  if (kind === 'cutOff') return 'cut off';
  if (kind === 'refused') return `${status === undefined ? '' : `${status} `}${error ?? ''}`;
  if (wayRows[way].bites === 'none') return cell === 'taken' ? 'goes on, warns' : 'nothing to heal';
  return seconds === undefined ? 'never' : `${seconds} s`;
}

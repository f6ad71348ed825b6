import { Button, makeStyles, Spinner, Text, tokens } from '@fluentui/react-components';
import { useCallback, useEffect, useRef } from 'react';
import { wayRows } from '../../../src/server/drill-matrix.ts';
import { readCell } from '../api/drill.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { useAnswer } from '../shell/use-answer.ts';
import type { OpenedCell } from './matrix-table.tsx';
import { cellTitle } from './matrix-table.tsx';

const useStyles = makeStyles({
  exchange: { marginBottom: tokens.spacingVerticalM },
  lines: {
    margin: `${tokens.spacingVerticalXS} 0`,
    padding: tokens.spacingHorizontalS,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    backgroundColor: tokens.colorNeutralBackground3,
  },
  plain: { margin: 0, paddingLeft: tokens.spacingHorizontalXL },
});

/** What was asked for one cell, and answered. */
export function CellCard({ way, cell, close }: OpenedCell & { readonly close: () => void }) {
  const styles = useStyles();
  const ask = useCallback((signal: AbortSignal) => readCell(way, cell, signal), [way, cell]);
  const { value, failure } = useAnswer(ask);
  const start = useRef<HTMLDivElement>(null);
  useEffect(() => start.current?.querySelector('button')?.focus(), [way, cell]);
  return (
    <Card title={`${wayRows[way].title}: ${cellTitle(cell)}`}>
      <div ref={start}>
        <Button size="small" onClick={close}>
          Close
        </Button>
      </div>
      {failure !== undefined && <FailureBar failure={failure} />}
      {value === undefined && failure === undefined && <Spinner label="Looking" />}
      {value?.message !== undefined && <Text>{value.message}</Text>}
      {value !== undefined && (
        <ol className={styles.plain}>
          {value.exchanges.map(({ method, host, path, request, status, answer }, at) => (
            <li key={at} className={styles.exchange} data-testid="exchange">
              <Text weight="semibold" style={{ overflowWrap: 'anywhere' }}>
                {`${method} https://${host}${path}`}
              </Text>
              {request !== undefined && <pre className={styles.lines}>{request}</pre>}
              <Text>{status === undefined ? 'no answer' : `Status ${status}`}</Text>
              <pre className={styles.lines}>{answer}</pre>
            </li>
          ))}
        </ol>
      )}
      {value !== undefined && value.leftOut > 0 && (
        <Text>{`${value.leftOut} more of the same, between the first and the last ones, are not kept.`}</Text>
      )}
    </Card>
  );
}

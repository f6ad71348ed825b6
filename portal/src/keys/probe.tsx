import { Button, makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components';
import { useEffect, useState } from 'react';
import { bracketed } from '../api/kql-names.ts';
import { mgmt, queryV2 } from '../api/kusto.ts';
import type { Where } from '../api/kusto.ts';
import { ApiError } from '../api/request.ts';
import { Card } from '../shell/card.tsx';

const everyMs = 1_000;
const keptMax = 40;

interface Outcome {
  readonly number: number;
  readonly answered: boolean;
  readonly text: string;
}

const useStyles = makeStyles({
  strip: { display: 'flex', flexWrap: 'wrap', gap: '3px', minHeight: '20px' },
  cell: {
    width: '18px',
    height: '18px',
    lineHeight: '18px',
    textAlign: 'center',
    fontSize: tokens.fontSizeBase200,
    borderRadius: tokens.borderRadiusSmall,
  },
  answered: { backgroundColor: tokens.colorStatusSuccessBackground2, color: tokens.colorStatusSuccessForeground3 },
  refused: { backgroundColor: tokens.colorStatusDangerBackground2, color: tokens.colorStatusDangerForeground3 },
  row: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM, alignItems: 'center' },
  code: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: 'anywhere' },
});

/** A query of the rows themselves, run again and again: what a program of yours sees while keys come and go. */
export function Probe({ where }: { readonly where: Where }) {
  const styles = useStyles();
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([]);
  const [runs, setRuns] = useState(true);
  const [csl, setCsl] = useState<string>();
  const { host, database } = where;
  useEffect(() => {
    if (!runs) return undefined;
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let known: string | undefined;
    const run = async (): Promise<void> => {
      const startedMs = performance.now();
      let told: Omit<Outcome, 'number'>;
      try {
        known ??= await queryOfRows({ host, database }, ended.signal);
        setCsl(known);
        const frames = await queryV2({ host, database }, known, { signal: ended.signal });
        const row = frames.find(({ TableKind }) => TableKind === 'PrimaryResult')?.Rows?.[0];
        const value = Array.isArray(row) ? String(row[0]) : 'no row';
        told = { answered: true, text: `answered ${value} in ${Math.round(performance.now() - startedMs)} ms` };
      } catch (error) {
        const code = error instanceof ApiError ? `${error.status}: ` : '';
        told = { answered: false, text: `refused, ${code}${error instanceof Error ? error.message : String(error)}` };
      }
      if (ended.signal.aborted) return;
      setOutcomes((before) => [...before, { ...told, number: (before.at(-1)?.number ?? 0) + 1 }].slice(-keptMax));
      timer = setTimeout(() => void run(), everyMs);
    };
    void run();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [host, database, runs]);
  const last = outcomes.at(-1);
  return (
    <Card title="A query beside it">
      <div className={styles.row}>
        <code className={styles.code}>{csl ?? 'print Answer = 6 * 7'}</code>
        <Button size="small" onClick={() => setRuns(!runs)}>
          {runs ? 'Pause' : 'Go on'}
        </Button>
      </div>
      <div className={styles.strip} aria-hidden data-testid="probe-strip">
        {outcomes.map(({ number, answered }) => (
          <span key={number} className={mergeClasses(styles.cell, answered ? styles.answered : styles.refused)}>
            {answered ? '✓' : '✕'}
          </span>
        ))}
      </div>
      <Text data-testid="probe" data-answered={last?.answered} style={{ overflowWrap: 'anywhere' }}>
        {last?.text ?? 'Asking …'}
      </Text>
    </Card>
  );
}

/** Counts the rows of the first table; a database without one has nothing but constants to ask for. */
async function queryOfRows(where: Where, signal: AbortSignal): Promise<string> {
  const [tables] = await mgmt(where, '.show tables', { signal });
  const name = tables?.Rows[0]?.[0];
  return typeof name === 'string' ? `${bracketed(name)} | count` : 'print Answer = 6 * 7';
}

import {
  Badge,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Spinner,
  Tab,
  TabList,
  Text,
  tokens,
} from '@fluentui/react-components';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import type { Scheme } from '../shell/color-scheme.ts';
import type { Answer, Failure, ResultTable } from './answer/answer.ts';
import { cellText } from './answer/cell-text.ts';
import type { Chart } from './charts/chart.ts';
import { chartOf } from './charts/chart-of.ts';
import { inks } from './charts/inks.ts';
import { PivotView } from './charts/pivot-view.tsx';
import { ResultGrid } from './grid/result-grid.tsx';
import type { Run } from './query-tabs.ts';
import { Statistics } from './statistics.tsx';

const Plot = lazy(() => import('./charts/plot.tsx'));
const PlotlyPlot = lazy(() => import('./charts/plotly-plot.tsx'));

const useStyles = makeStyles({
  whole: { display: 'flex', flexDirection: 'column', minHeight: 0, height: '100%', gap: '4px' },
  body: { flexGrow: 1, minHeight: '160px' },
  chart: { display: 'flex', flexDirection: 'column', height: '100%' },
  plot: { flexGrow: 1, minHeight: '240px' },
  cards: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalXXL, padding: tokens.spacingHorizontalL },
  card: { display: 'flex', flexDirection: 'column' },
  seconds: { alignSelf: 'center' },
  failure: { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' },
});

export function FailureBar({ failure }: { readonly failure: Failure }) {
  const styles = useStyles();
  return (
    <MessageBar intent="error" layout="multiline" role="alert">
      <MessageBarBody className={styles.failure}>
        <MessageBarTitle>{failure.code}</MessageBarTitle>
        {failure.message}
      </MessageBarBody>
    </MessageBar>
  );
}

/** What one run gave: charts and tables behind tabs, failures above them. */
export function Results({ run, scheme }: { readonly run: Run | undefined; readonly scheme: Scheme }) {
  const styles = useStyles();
  if (run === undefined) return <Text>Shift+Enter runs the selection, or the statement at the cursor.</Text>;
  return (
    <div className={styles.whole}>
      {run.state === 'running' && <Spinner size="small" label="Running" />}
      {run.state === 'cancelled' && (
        <MessageBar intent="warning">
          <MessageBarBody>Cancelled.</MessageBarBody>
        </MessageBar>
      )}
      {run.failure !== undefined && <FailureBar failure={run.failure} />}
      {run.answer !== undefined && <AnswerView answer={run.answer} seconds={run.seconds} scheme={scheme} />}
    </div>
  );
}

interface AnswerProps {
  readonly answer: Answer;
  readonly seconds: number | undefined;
  readonly scheme: Scheme;
}

function AnswerView({ answer, seconds, scheme }: AnswerProps) {
  const styles = useStyles();
  const ink = inks[scheme];
  const charts = useMemo(() => answer.tables.map((table) => chartOf(table, ink)), [answer, ink]);
  const drawn = charts.findIndex(({ show }) => show !== 'table');
  const [chosen, choose] = useState('');
  useEffect(() => choose(drawn >= 0 ? `chart${String(drawn)}` : 'table0'), [answer, drawn]);
  const [kind, place] = [chosen.replace(/\d+$/, ''), Number(/\d+$/.exec(chosen)?.[0] ?? 0)];
  const table = answer.tables[place];
  const chart = charts[place];
  const several = answer.tables.length > 1;
  const reason = chart?.show === 'table' ? chart.reason : undefined;
  return (
    <>
      {answer.failures.map((failure) => (
        <FailureBar key={JSON.stringify(failure)} failure={failure} />
      ))}
      <TabList
        size="small"
        selectedValue={chosen}
        onTabSelect={(_, { value }) => choose(String(value))}
        aria-label="Results"
      >
        {answer.tables.flatMap((_, index) => [
          ...(charts[index]?.show === 'table'
            ? []
            : [
                <Tab key={`chart${String(index)}`} value={`chart${String(index)}`}>
                  {several ? `Chart ${String(index + 1)}` : 'Chart'}
                </Tab>,
              ]),
          <Tab key={`table${String(index)}`} value={`table${String(index)}`}>{several ? `Table ${String(index + 1)}` : 'Table'}</Tab>, // prettier-ignore
        ])}
        <Tab value="statistics">Statistics</Tab>
        {seconds !== undefined && (
          <Badge
            appearance="outline"
            className={styles.seconds}
            data-testid="seconds"
          >{`${seconds.toFixed(2)} s`}</Badge>
        )}
      </TabList>
      {kind === 'table' && reason !== undefined && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody className={styles.failure}>{reason}</MessageBarBody>
        </MessageBar>
      )}
      <div className={styles.body}>
        {kind === 'statistics' && <Statistics completion={answer.completion} />}
        {kind === 'table' && table !== undefined && (
          <ResultGrid table={table} name={several ? `result${String(place + 1)}` : 'result'} />
        )}
        {kind === 'chart' && table !== undefined && chart?.show === 'pivot' && <PivotView table={table} ink={ink} />}
        {kind === 'chart' && table !== undefined && chart !== undefined && <ChartView chart={chart} table={table} />}
      </div>
    </>
  );
}

function ChartView({ chart, table }: { readonly chart: Chart; readonly table: ResultTable }) {
  const styles = useStyles();
  if (chart.show === 'table' || chart.show === 'pivot') return null;
  if (chart.show === 'cards') {
    return (
      <section className={styles.cards} aria-label={chart.title ?? 'Cards'}>
        {chart.title !== undefined && <Text weight="semibold">{chart.title}</Text>}
        {chart.cards.map(({ label, value, type }) => (
          <div key={label} className={styles.card}>
            <Text size={800} weight="semibold">
              {value === null ? 'null' : cellText(value, type)}
            </Text>
            <Text>{label}</Text>
          </div>
        ))}
      </section>
    );
  }
  const label = `Chart of ${table.columns.map(({ name }) => name).join(', ')}. The tab Table has the same values.`;
  return (
    <div className={styles.chart}>
      {chart.notes.map((note) => (
        <Text key={note} size={200}>
          {note}
        </Text>
      ))}
      <div className={styles.plot}>
        <Suspense fallback={<Spinner label="Loading charts" />}>
          {chart.show === 'plot' ? (
            <Plot option={chart.option} label={label} />
          ) : (
            <PlotlyPlot figure={chart.figure} label={label} />
          )}
        </Suspense>
      </div>
    </div>
  );
}

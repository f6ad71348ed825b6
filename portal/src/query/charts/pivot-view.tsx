import { Dropdown, Field, makeStyles, Option, Spinner, Text, tokens } from '@fluentui/react-components';
import { lazy, Suspense, useMemo, useState } from 'react';
import type { ResultTable } from '../answer/answer.ts';
import { isNumeric } from '../answer/cell-text.ts';
import { ResultGrid } from '../grid/result-grid.tsx';
import type { ChartInk } from './chart.ts';
import { seriesMax } from './chart.ts';
import { chartOf } from './chart-of.ts';
import type { Aggregate, PivotChoice } from './pivot.ts';
import { aggregates, firstChoice, pivoted } from './pivot.ts';

const Plot = lazy(() => import('./plot.tsx'));

const useStyles = makeStyles({
  whole: { display: 'flex', flexDirection: 'column', height: '100%', gap: tokens.spacingVerticalS },
  choices: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM },
  body: { flexGrow: 1, minHeight: '240px' },
});

/** What of a pivot is drawn by what draws `render`, too. */
const shapes = ['Table', 'columnchart', 'barchart', 'linechart', 'areachart', 'piechart'] as const;

/** `render pivotchart`: which columns go down, across and into the cells is chosen here. */
export function PivotView({ table, ink }: { readonly table: ResultTable; readonly ink: ChartInk }) {
  const styles = useStyles();
  const [choice, setChoice] = useState<PivotChoice>(() => firstChoice(table));
  const [shape, setShape] = useState<(typeof shapes)[number]>('Table');
  const { table: made, left } = useMemo(() => pivoted(table, choice), [table, choice]);
  const chart = useMemo(
    () => (shape === 'Table' ? undefined : chartOf({ ...made, visualization: { Visualization: shape } }, ink)),
    [made, shape, ink],
  );
  const names = table.columns.map(({ name }) => name);
  const numbers = table.columns.flatMap(({ name, type }) => (isNumeric(type) ? [name] : []));
  const place = (name: string): number | undefined => (names.includes(name) ? names.indexOf(name) : undefined);
  const nameAt = (index: number | undefined, none: string): string => (index === undefined ? none : (names[index] ?? none)); // prettier-ignore
  return (
    <section className={styles.whole} aria-label="Pivot">
      <div className={styles.choices}>
        <Choice
          label="Rows"
          value={nameAt(choice.rows, '')}
          options={names}
          choose={(name) => setChoice({ ...choice, rows: place(name) ?? 0 })}
        />{' '}
        {/* prettier-ignore */}
        <Choice label="Columns" value={nameAt(choice.columns, nothing)} options={[nothing, ...names]} choose={(name) => setChoice({ ...choice, columns: place(name) })} />{' '}
        {/* prettier-ignore */}
        <Choice label="Values" value={nameAt(choice.values, nothing)} options={[nothing, ...numbers]} choose={(name) => setChoice({ ...choice, values: place(name) })} />{' '}
        {/* prettier-ignore */}
        <Choice label="Aggregate" value={choice.aggregate} options={aggregates} choose={(name) => setChoice({ ...choice, aggregate: name as Aggregate })} />{' '}
        {/* prettier-ignore */}
        <Choice label="Shown as" value={shape} options={shapes} choose={(name) => setShape(name as (typeof shapes)[number])} />{' '}
        {/* prettier-ignore */}
      </div>
      {left > 0 && (
        <Text
          size={200}
        >{`Only the first ${String(seriesMax)} values are columns; ${String(left)} are left out.`}</Text>
      )}
      <div className={styles.body}>
        {chart?.show === 'plot' ? (
          <Suspense fallback={<Spinner label="Loading charts" />}>
            <Plot option={chart.option} label={`Pivot of ${names.join(', ')}, as ${shape}`} />
          </Suspense>
        ) : (
          <>
            {chart?.show === 'table' && chart.reason !== undefined && <Text size={200}>{chart.reason}</Text>}
            <ResultGrid table={made} name="pivot" />
          </>
        )}
      </div>
    </section>
  );
}

const nothing = '(none)';

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly choose: (name: string) => void;
}

function Choice({ label, value, options, choose }: ChoiceProps) {
  return (
    <Field label={label} size="small">
      <Dropdown
        size="small"
        value={value}
        selectedOptions={[value]}
        onOptionSelect={(_, { optionValue = '' }) => choose(optionValue)}
      >
        {options.map((option) => (
          <Option key={option} value={option}>
            {option}
          </Option>
        ))}
      </Dropdown>
    </Field>
  );
}

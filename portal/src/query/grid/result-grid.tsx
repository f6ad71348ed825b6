import { Input, makeStyles, mergeClasses, tokens, Toolbar, ToolbarButton } from '@fluentui/react-components';
import {
  ArrowDownloadRegular,
  ArrowSortDownRegular,
  ArrowSortUpRegular,
  CopyRegular,
  FilterRegular,
} from '@fluentui/react-icons';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { KeyboardEvent, MouseEvent } from 'react';
import { useDeferredValue, useEffect, useId, useMemo, useRef, useState } from 'react';
import type { Cell, Column, ResultTable } from '../answer/answer.ts';
import { cellText, isNumeric } from '../answer/cell-text.ts';
import type { Sorting } from './arrange-rows.ts';
import { arrangeRows } from './arrange-rows.ts';
import { CellDialog } from './cell-dialog.tsx';
import { columnWidths, rowHeight } from './column-widths.ts';
import { saveFile } from './save-file.ts';
import type { Selection } from './selection.ts';
import { isSelected, moved, start } from './selection.ts';
import { csvText, tabbedText } from './table-text.ts';

const useStyles = makeStyles({
  whole: { display: 'flex', flexDirection: 'column', minHeight: 0, height: '100%' },
  tools: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: tokens.spacingHorizontalS,
    paddingBottom: '4px',
  },
  count: { color: tokens.colorNeutralForeground2, fontSize: tokens.fontSizeBase200 },
  grid: {
    flexGrow: 1,
    minHeight: '120px',
    overflow: 'auto',
    position: 'relative',
    contain: 'strict',
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground1,
    fontSize: tokens.fontSizeBase200,
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  head: { position: 'sticky', top: 0, zIndex: 1, backgroundColor: tokens.colorNeutralBackground3 },
  row: {
    position: 'absolute',
    left: 0,
    height: `${String(rowHeight)}px`,
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  cell: {
    position: 'absolute',
    top: 0,
    boxSizing: 'border-box',
    height: `${String(rowHeight)}px`,
    lineHeight: `${String(rowHeight)}px`,
    padding: '0 8px',
    overflow: 'hidden',
    whiteSpace: 'pre',
    textOverflow: 'ellipsis',
    cursor: 'default',
    userSelect: 'none',
  },
  name: { fontWeight: tokens.fontWeightSemibold, display: 'flex', alignItems: 'center', gap: '4px', cursor: 'pointer' },
  number: { textAlign: 'right', fontVariantNumeric: 'tabular-nums' },
  isNull: { color: tokens.colorNeutralForeground3, fontStyle: 'italic' },
  selected: { backgroundColor: tokens.colorBrandBackground2 },
  active: { outline: `2px solid ${tokens.colorBrandStroke1}`, outlineOffset: '-2px' },
  filter: { minWidth: 0, width: '100%' },
});

/** A result of any number of rows: those that are seen are in the document, and few beside them. Keys as the ARIA pattern of a grid has them. */
export function ResultGrid({ table, name }: { readonly table: ResultTable; readonly name: string }) {
  const styles = useStyles();
  const id = useId();
  const [search, setSearch] = useState('');
  const [filters, setFilters] = useState<ReadonlyMap<number, string>>(new Map());
  /** Why no file of Parquet was made. */
  const [notSaved, setNotSaved] = useState<string>();
  const [filtering, setFiltering] = useState(false);
  const [sorting, setSorting] = useState<Sorting>();
  const [selection, setSelection] = useState<Selection>(start);
  const [opened, setOpened] = useState<{ readonly column: Column; readonly cell: Cell }>();
  const scroller = useRef<HTMLDivElement>(null);
  const wanted = useDeferredValue(search);
  const wantedFilters = useDeferredValue(filters);
  const shown = useMemo(
    () => arrangeRows(table, wanted, filtering ? wantedFilters : new Map(), sorting),
    [table, wanted, wantedFilters, filtering, sorting],
  );
  const widths = useMemo(() => columnWidths(table), [table]);
  const headHeight = rowHeight * (filtering ? 2 : 1) + (filtering ? 6 : 0);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    scrollPaddingStart: headHeight,
  });
  const columns = useVirtualizer({
    horizontal: true,
    count: widths.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => widths[index] ?? 100,
    overscan: 2,
  });
  useEffect(() => setSelection(start), [table]);

  const width = columns.getTotalSize();
  const cellId = (row: number, column: number): string => `${id}-${String(row)}-${String(column)}`;
  const part = () => {
    const [first, last] = [selection.row, selection.anchorRow].sort((a, b) => a - b) as [number, number];
    const [left, right] = [selection.column, selection.anchorColumn].sort((a, b) => a - b) as [number, number];
    const between = Array.from({ length: right - left + 1 }, (_, index) => left + index);
    return { rows: shown.slice(Math.max(0, first - 1), last), columns: between };
  };
  const everything = () => ({ rows: shown, columns: table.columns.map((_, index) => index) });
  const sortBy = (column: number): void =>
    setSorting((old) =>
      old?.column !== column
        ? { column, descending: false }
        : old.descending
          ? undefined
          : { column, descending: true },
    );
  const open = ({ row, column }: Selection): void => {
    if (row === 0) {
      sortBy(column);
      return;
    }
    const place = shown[row - 1];
    const described = table.columns[column];
    if (place !== undefined && described) setOpened({ column: described, cell: table.rows[place]?.[column] ?? null });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return; // a filter has keys of its own
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    const next = moved(selection, event, { rows: shown.length + 1, columns: widths.length, page });
    const control = event.ctrlKey || event.metaKey;
    if (next !== undefined) {
      setSelection(next);
      if (next.row > 0) rows.scrollToIndex(next.row - 1);
      columns.scrollToIndex(next.column);
    } else if (event.key === 'Enter' || event.key === ' ') open(selection);
    else if (control && event.key === 'a') {
      setSelection({ row: shown.length, column: widths.length - 1, anchorRow: 1, anchorColumn: 0 });
    } else if (control && event.key === 'c') void copy(tabbedText(table, part(), event.shiftKey));
    else return;
    event.preventDefault();
  };
  const pick = (row: number, column: number) => (event: MouseEvent) => {
    scroller.current?.focus({ preventScroll: true });
    setSelection((old) =>
      event.shiftKey ? { ...old, row, column } : { row, column, anchorRow: row, anchorColumn: column },
    );
  };
  const saveParquet = (): void =>
    void import('./parquet-file.ts')
      .then(({ parquetBytes }) => {
        saveFile(`${name}.parquet`, parquetBytes(table, everything()), 'application/vnd.apache.parquet');
        setNotSaved(undefined);
      })
      .catch((error: unknown) => setNotSaved(error instanceof Error ? error.message : String(error)));
  const cellClass = (row: number, column: number): string =>
    mergeClasses(
      styles.cell,
      isNumeric(table.columns[column]?.type ?? 'string') && styles.number,
      isSelected(selection, row, column) && styles.selected,
      selection.row === row && selection.column === column && styles.active,
    );
  const seenColumns = columns.getVirtualItems();

  return (
    <div className={styles.whole}>
      <Toolbar aria-label={`Tools of ${name}`} className={styles.tools}>
        <Input
          size="small"
          type="search"
          aria-label="Search in the rows"
          placeholder="Search"
          value={search}
          onChange={(_, { value }) => setSearch(value)}
        />
        <ToolbarButton icon={<FilterRegular />} aria-pressed={filtering} onClick={() => setFiltering(!filtering)}>
          Filter
        </ToolbarButton>
        <ToolbarButton icon={<CopyRegular />} onClick={() => void copy(tabbedText(table, everything(), true))}>
          Copy
        </ToolbarButton>
        <ToolbarButton
          icon={<ArrowDownloadRegular />}
          onClick={() => saveFile(`${name}.csv`, csvText(table, everything()))}
        >
          CSV
        </ToolbarButton>
        <ToolbarButton icon={<ArrowDownloadRegular />} onClick={saveParquet}>
          Parquet
        </ToolbarButton>
        <span className={styles.count} role="status">
          {notSaved !== undefined && `Not saved: ${notSaved} `}
          {shown.length === table.rows.length
            ? `${table.rows.length.toLocaleString('en')} rows`
            : `${shown.length.toLocaleString('en')} of ${table.rows.length.toLocaleString('en')} rows`}
        </span>
      </Toolbar>
      <div
        ref={scroller}
        role="grid"
        tabIndex={0}
        className={styles.grid}
        aria-label={name}
        aria-rowcount={shown.length + 1}
        aria-colcount={widths.length}
        aria-multiselectable
        aria-activedescendant={cellId(selection.row, selection.column)}
        onKeyDown={onKeyDown}
      >
        <div role="rowgroup" className={styles.head} style={{ width, height: headHeight }}>
          <div role="row" aria-rowindex={1} className={styles.row} style={{ width }}>
            {seenColumns.map(({ index, start: left, size }) => (
              <div
                key={index}
                id={cellId(0, index)}
                role="columnheader"
                aria-colindex={index + 1}
                aria-sort={sorting?.column !== index ? 'none' : sorting.descending ? 'descending' : 'ascending'}
                className={mergeClasses(cellClass(0, index), styles.name)}
                style={{ left, width: size }}
                title={`${table.columns[index]?.name ?? ''}: ${table.columns[index]?.type ?? ''}`}
                onMouseDown={pick(0, index)}
                onClick={() => sortBy(index)}
              >
                {table.columns[index]?.name}
                {sorting?.column === index && (sorting.descending ? <ArrowSortDownRegular /> : <ArrowSortUpRegular />)}
              </div>
            ))}
          </div>
          {filtering &&
            seenColumns.map(({ index, start: left, size }) => (
              <div
                key={index}
                className={styles.cell}
                role="presentation"
                style={{ left, top: rowHeight, width: size, padding: '0 2px' }}
              >
                <Input
                  size="small"
                  className={styles.filter}
                  aria-label={`Filter of ${table.columns[index]?.name ?? ''}`}
                  placeholder={isNumeric(table.columns[index]?.type ?? 'string') ? '> 5' : 'contains'}
                  value={filters.get(index) ?? ''}
                  onChange={(_, { value }) => setFilters((old) => new Map(old).set(index, value))}
                />
              </div>
            ))}
        </div>
        <div role="rowgroup" style={{ height: rows.getTotalSize(), width, position: 'relative' }}>
          {rows.getVirtualItems().map(({ index, start: top }) => {
            const row = table.rows[shown[index] ?? -1];
            return (
              <div
                key={index}
                role="row"
                aria-rowindex={index + 2}
                className={styles.row}
                style={{ width, transform: `translateY(${String(top)}px)` }}
              >
                {seenColumns.map(({ index: column, start: left, size }) => {
                  const cell = row?.[column] ?? null;
                  return (
                    <div
                      key={column}
                      id={cellId(index + 1, column)}
                      role="gridcell"
                      aria-colindex={column + 1}
                      aria-selected={isSelected(selection, index + 1, column)}
                      className={mergeClasses(cellClass(index + 1, column), cell === null && styles.isNull)}
                      style={{ left, width: size }}
                      onMouseDown={pick(index + 1, column)}
                      onDoubleClick={() => open({ ...start, row: index + 1, column })}
                    >
                      {cell === null ? 'null' : shortText(cellText(cell, table.columns[column]?.type ?? 'string'))}
                    </div>
                  );
                })}
              </div>
            );
          })}
        </div>
      </div>
      {opened !== undefined && <CellDialog {...opened} onClose={() => setOpened(undefined)} />}
    </div>
  );
}

const copy = (text: string): Promise<void> => navigator.clipboard.writeText(text);

/** A cell shows one line; all of it is in the dialog. */
const shortText = (text: string): string =>
  (text.length > 300 ? `${text.slice(0, 300)}…` : text).replaceAll(/[\r\n\t]/g, ' ');

import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Select,
  TableCell,
  TableRow,
  Text,
  tokens,
} from '@fluentui/react-components';
import { useCallback, useEffect, useState } from 'react';
import type { Where } from '../../api/kusto.ts';
import { ScrollTable, useCellStyles } from '../../shell/scroll-table.tsx';
import { useAnswer } from '../../shell/use-answer.ts';
import type { TableSchema } from '../use-database-schema.ts';
import type { ColumnType, Preview } from './column.ts';
import { columnTypes } from './column.ts';
import type { FileFormat, MappedColumn } from './plan-file.ts';
import { ingestFile } from './ingest-file.ts';
import { commandsOf, fileFormats, formatOf, previewFile, tableNameOf } from './plan-file.ts';

const useStyles = makeStyles({
  surface: { maxWidth: '880px', width: 'calc(100vw - 32px)' },
  content: { display: 'flex', flexDirection: 'column', gap: tokens.spacingVerticalM },
  bar: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM, alignItems: 'end' },
  name: { overflowWrap: 'anywhere' },
  commands: {
    margin: 0,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  },
});

interface IngestDialogProps {
  readonly file: File;
  readonly where: Where;
  /** Of the database, by name. */
  readonly tables: Readonly<Record<string, TableSchema>>;
  readonly close: () => void;
  /** Rows are in. */
  readonly done: () => void;
}

/** What a file has, what becomes of it, and the commands that do it. Nothing is sent before *Ingest*. */
export function IngestDialog({ file, where, tables, close, done }: IngestDialogProps) {
  const styles = useStyles();
  const [format, setFormat] = useState<FileFormat>(formatOf(file.name));
  const [named, setNamed] = useState(true);
  const [table, setTable] = useState(tableNameOf(file.name));
  const { value: preview, failure: unread } = useAnswer(
    useCallback(() => previewFile(file, format, named), [file, format, named]),
  );
  const [columns, setColumns] = useState<readonly MappedColumn[]>([]);
  const known = Object.hasOwn(tables, table) ? tables[table] : undefined;
  useEffect(() => setColumns(mapped(preview, known)), [preview, known]);
  const [state, setState] = useState<'idle' | 'running' | Error | number>('idle');
  const used = columns.filter(({ column }) => column !== '');
  const ingestion = { where, table, isNew: known === undefined, format, named, columns: used };
  const { before, after } = commandsOf(ingestion);
  const change = (ordinal: number, part: Partial<MappedColumn>): void =>
    setColumns(columns.map((one) => (one.ordinal === ordinal ? { ...one, ...part } : one)));
  const ingest = async (): Promise<void> => {
    setState('running');
    try {
      setState(await ingestFile(file, ingestion));
      done();
    } catch (error) {
      setState(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return (
    <Dialog open onOpenChange={(_, { open }) => (open ? undefined : close())}>
      <DialogSurface className={styles.surface} aria-label="Ingest a file">
        <DialogBody>
          <DialogTitle>Ingest a file</DialogTitle>
          <DialogContent className={styles.content}>
            <Text className={styles.name}>
              {file.name} ({file.size.toLocaleString()} bytes
              {preview?.rows === undefined ? '' : `, ${preview.rows.toLocaleString()} rows`})
            </Text>
            <div className={styles.bar}>
              <Field label="Format">
                <Select value={format} onChange={(_, { value }) => setFormat(value as FileFormat)}>
                  {fileFormats.map(({ format: one, title }) => (
                    <option key={one} value={one}>
                      {title}
                    </option>
                  ))}
                </Select>
              </Field>
              <Field label={known === undefined ? 'New table' : 'Table'}>
                <Input value={table} onChange={(_, { value }) => setTable(value)} />
              </Field>
              {format === 'csv' && (
                <Checkbox
                  label="The first record has the names"
                  checked={named}
                  onChange={(_, { checked }) => setNamed(checked === true)}
                />
              )}
            </div>
            {unread !== undefined && <Failed error={unread} />}
            {unread === undefined && columns.length > 0 && (
              <Mapping preview={preview} columns={columns} known={known} change={change} />
            )}
            <Text as="h3" weight="semibold">
              What is sent
            </Text>
            <pre className={styles.commands} data-testid="commands">
              {[...before, `POST /v1/rest/ingest/${where.database}/${table}?streamFormat=${format}`, after].join('\n')}
            </pre>
            {state instanceof Error && <Failed error={state} />}
            {typeof state === 'number' && (
              <MessageBar intent="success" role="status">
                <MessageBarBody>{state.toLocaleString()} rows are in the table.</MessageBarBody>
              </MessageBar>
            )}
          </DialogContent>
          <DialogActions>
            <Button
              appearance="primary"
              disabled={
                unread !== undefined ||
                used.length === 0 ||
                table === '' ||
                state === 'running' ||
                typeof state === 'number'
              }
              onClick={() => void ingest()}
            >
              Ingest
            </Button>
            <Button onClick={close}>Close</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function Failed({ error }: { readonly error: Error }) {
  return (
    <MessageBar intent="error" role="alert" layout="multiline">
      <MessageBarBody>{error.message}</MessageBarBody>
    </MessageBar>
  );
}

interface MappingProps {
  readonly preview: Preview | undefined;
  readonly columns: readonly MappedColumn[];
  readonly known: TableSchema | undefined;
  readonly change: (ordinal: number, part: Partial<MappedColumn>) => void;
}

function Mapping({ preview, columns, known, change }: MappingProps) {
  const { broken } = useCellStyles();
  return (
    <ScrollTable label="What becomes of each column" columns={['In the file', 'First values', 'Column', 'Type']}>
      {columns.map(({ source, ordinal, column, type }) => (
        <TableRow key={ordinal}>
          <TableCell className={broken}>{source}</TableCell>
          <TableCell className={broken}>{preview?.columns[ordinal]?.samples.join(' · ').slice(0, 200)}</TableCell>
          <TableCell>
            <Input
              size="small"
              aria-label={`Column for ${source}`}
              placeholder="left out"
              value={column}
              onChange={(_, { value }) => change(ordinal, { column: value })}
            />
          </TableCell>
          <TableCell>
            {known === undefined ? (
              <Select
                size="small"
                aria-label={`Type of ${source}`}
                value={type}
                onChange={(_, { value }) => change(ordinal, { type: value as ColumnType })}
              >
                {columnTypes.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </Select>
            ) : (
              (known.OrderedColumns?.find(({ Name }) => Name === column)?.CslType ?? '')
            )}
          </TableCell>
        </TableRow>
      ))}
    </ScrollTable>
  );
}

/** To columns of the same name, without case; of a table that is there the others are left out. */
function mapped(preview: Preview | undefined, known: TableSchema | undefined): readonly MappedColumn[] {
  return (preview?.columns ?? []).map(({ name, type }, ordinal) => {
    const same = known?.OrderedColumns?.find(({ Name }) => Name.toLowerCase() === name.toLowerCase());
    return { source: name, ordinal, type, column: known === undefined ? name : (same?.Name ?? '') };
  });
}

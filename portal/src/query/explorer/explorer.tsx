import {
  Button,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Text,
  tokens,
  Tree,
  TreeItem,
  TreeItemLayout,
} from '@fluentui/react-components';
import { useDeferredValue, useState } from 'react';
import { bracketed, nameInText } from '../../api/kql-names.ts';
import type { Answer } from '../../shell/use-answer.ts';
import type { ClusterSchema, DatabaseSchema, TableSchema } from '../use-database-schema.ts';

const useStyles = makeStyles({
  heading: { display: 'flex', alignItems: 'center', justifyContent: 'space-between' },
  search: { width: '100%', minWidth: 0 },
  failure: { overflowWrap: 'anywhere' },
  name: { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  type: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase100 },
});

interface ExplorerProps {
  readonly schema: Answer<ClusterSchema | undefined>;
  readonly database: string;
  readonly insert: (text: string) => void;
}

const kinds = [
  ['Tables', 'Tables'],
  ['Materialized views', 'MaterializedViews'],
  ['External tables', 'ExternalTables'],
] as const satisfies readonly (readonly [string, keyof DatabaseSchema])[];

/** Entities shown at once of one kind: more would make the document slow, and nobody reads them. */
const shownMax = 500;

/** What the database has. Enter or a click on a name of columns, functions and policies puts it where the cursor is. */
export function Explorer({ schema, database, insert }: ExplorerProps) {
  const styles = useStyles();
  const found = schema.value?.Databases[database];
  const [search, setSearch] = useState('');
  const wanted = useDeferredValue(search).trim().toLowerCase();
  const fits = ({ Name }: { readonly Name: string }): boolean => Name.toLowerCase().includes(wanted);
  const functions = Object.values(found?.Functions ?? {}).filter(fits);
  return (
    <>
      <div className={styles.heading}>
        <Text weight="semibold" as="h2">
          {database === '' ? 'No database' : database}
        </Text>
        <Button size="small" appearance="subtle" onClick={schema.again}>
          Refresh
        </Button>
      </div>
      {schema.failure !== undefined && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody className={styles.failure}>{schema.failure.message}</MessageBarBody>
        </MessageBar>
      )}
      <Input
        size="small"
        type="search"
        className={styles.search}
        aria-label="Find by name"
        placeholder="Find by name"
        value={search}
        onChange={(_, { value }) => setSearch(value)}
      />
      <Tree size="small" aria-label={`Contents of ${database}`} defaultOpenItems={['Tables']}>
        {kinds.map(([title, kind]) => {
          const tables = Object.values(found?.[kind] ?? {}).filter(fits);
          return (
            <Branch key={kind} title={title} value={kind} count={tables.length}>
              {tables.slice(0, shownMax).map((table) => (
                <TableItem key={table.Name} table={table} kind={kind} insert={insert} />
              ))}
            </Branch>
          );
        })}
        <Branch title="Functions" value="Functions" count={functions.length}>
          {functions.slice(0, shownMax).map(({ Name, Body, DocString }) => (
            <TreeItem key={Name} itemType="leaf" onClick={() => insert(`${nameInText(Name)}()`)}>
              <TreeItemLayout title={DocString || Body}>{Name}</TreeItemLayout>
            </TreeItem>
          ))}
        </Branch>
        <Branch title="Policies" value="Policies" count={policies.length}>
          {policies.map((policy) => (
            <TreeItem
              key={policy}
              itemType="leaf"
              onClick={() => insert(`.show database ${bracketed(database)} policy ${policy}`)}
            >
              <TreeItemLayout>{policy}</TreeItemLayout>
            </TreeItem>
          ))}
        </Branch>
      </Tree>
    </>
  );
}

/** Of a database; a click writes the command that shows it. */
const policies = ['caching', 'retention', 'sharding', 'merge', 'streamingingestion', 'ingestionbatching'];

interface BranchProps {
  readonly title: string;
  readonly value: string;
  readonly count: number;
  readonly children: React.ReactNode;
}

function Branch({ title, value, count, children }: BranchProps) {
  if (count === 0) return null;
  return (
    <TreeItem itemType="branch" value={value}>
      <TreeItemLayout>{`${title} (${String(count)})${count > shownMax ? `, the first ${String(shownMax)}` : ''}`}</TreeItemLayout>
      <Tree>{children}</Tree>
    </TreeItem>
  );
}

interface TableItemProps {
  readonly table: TableSchema;
  readonly kind: (typeof kinds)[number][1];
  readonly insert: (text: string) => void;
}

function TableItem({ table, kind, insert }: TableItemProps) {
  const styles = useStyles();
  const called =
    kind === 'ExternalTables' ? `external_table(${bracketed(table.Name).slice(1, -1)})` : nameInText(table.Name);
  return (
    <TreeItem itemType="branch" value={`${kind}.${table.Name}`}>
      <TreeItemLayout title={table.DocString ?? table.Name} className={styles.name}>
        {table.Name}
      </TreeItemLayout>
      <Tree>
        <TreeItem itemType="leaf" onClick={() => insert(`${called}\n| take 100`)}>
          <TreeItemLayout>take 100</TreeItemLayout>
        </TreeItem>
        {(table.OrderedColumns ?? []).slice(0, shownMax).map(({ Name, CslType, Type }) => (
          <TreeItem key={Name} itemType="leaf" onClick={() => insert(nameInText(Name))}>
            <TreeItemLayout aside={<span className={styles.type}>{CslType ?? Type}</span>}>{Name}</TreeItemLayout>
          </TreeItem>
        ))}
      </Tree>
    </TreeItem>
  );
}

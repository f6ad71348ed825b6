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
import type { KeyboardEvent } from 'react';
import { useDeferredValue, useState } from 'react';
import { bracketed, nameInText } from '../../api/kql-names.ts';
import type { Answer } from '../../shell/use-answer.ts';
import { PoliciesDialog } from '../policies/policies-dialog.tsx';
import type { PolicyOwner } from '../policies/policy-rows.ts';
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
  readonly host: string;
  readonly database: string;
  /** Puts a text where the cursor is. */
  readonly insert: (text: string) => void;
  /** Opens a text in a tab of its own. */
  readonly openTab: (text: string) => void;
}

interface Kind {
  readonly title: string;
  readonly members: keyof DatabaseSchema & ('Tables' | 'MaterializedViews' | 'ExternalTables');
  /** As commands about policies name it; absent: it has none. */
  readonly owner?: PolicyOwner['kind'];
}

const kinds: readonly Kind[] = [
  { title: 'Tables', members: 'Tables', owner: 'table' },
  { title: 'Materialized views', members: 'MaterializedViews', owner: 'materialized-view' },
  { title: 'External tables', members: 'ExternalTables' },
];

/** Entities shown at once of one kind: more would make the document slow, and nobody reads them. */
const shownMax = 500;

/** What the database has. Enter or a click on a name of columns and functions puts it where the cursor is; policies are read in a dialog. */
export function Explorer({ schema, host, database, insert, openTab }: ExplorerProps) {
  const styles = useStyles();
  const found = schema.value?.Databases[database];
  const [search, setSearch] = useState('');
  const [owner, setOwner] = useState<PolicyOwner>();
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
        {kinds.map((kind) => {
          const tables = Object.values(found?.[kind.members] ?? {}).filter(fits);
          return (
            <Branch key={kind.title} title={kind.title} value={kind.members} count={tables.length}>
              {tables.slice(0, shownMax).map((table) => (
                <TableItem key={table.Name} table={table} kind={kind} insert={insert} lookAt={setOwner} />
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
        {database !== '' && (
          <PoliciesItem owner={{ kind: 'database', name: database, columns: [] }} lookAt={setOwner} />
        )}
      </Tree>
      {owner !== undefined && (
        <PoliciesDialog
          where={{ host, database }}
          owner={owner}
          insert={insert}
          openTab={openTab}
          onClose={() => setOwner(undefined)}
        />
      )}
    </>
  );
}

type LookAt = (owner: PolicyOwner) => void;

function PoliciesItem({ owner, lookAt }: { readonly owner: PolicyOwner; readonly lookAt: LookAt }) {
  /** Left to the item, the same key would press the button that the dialog gives the focus to. */
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    lookAt(owner);
  };
  return (
    <TreeItem itemType="leaf" onClick={() => lookAt(owner)} onKeyDown={onKeyDown}>
      <TreeItemLayout>Policies …</TreeItemLayout>
    </TreeItem>
  );
}

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
  readonly kind: Kind;
  readonly insert: (text: string) => void;
  readonly lookAt: LookAt;
}

function TableItem({ table, kind: { members, owner }, insert, lookAt }: TableItemProps) {
  const styles = useStyles();
  const called =
    members === 'ExternalTables' ? `external_table(${bracketed(table.Name).slice(1, -1)})` : nameInText(table.Name);
  const columns = table.OrderedColumns ?? [];
  return (
    <TreeItem itemType="branch" value={`${members}.${table.Name}`}>
      <TreeItemLayout title={table.DocString ?? table.Name} className={styles.name}>
        {table.Name}
      </TreeItemLayout>
      <Tree>
        <TreeItem itemType="leaf" onClick={() => insert(`${called}\n| take 100`)}>
          <TreeItemLayout>take 100</TreeItemLayout>
        </TreeItem>
        {owner !== undefined && (
          <PoliciesItem
            owner={{ kind: owner, name: table.Name, columns: columns.map(({ Name }) => Name) }}
            lookAt={lookAt}
          />
        )}
        {columns.slice(0, shownMax).map(({ Name, CslType, Type }) => (
          <TreeItem key={Name} itemType="leaf" onClick={() => insert(nameInText(Name))}>
            <TreeItemLayout aside={<span className={styles.type}>{CslType ?? Type}</span>}>{Name}</TreeItemLayout>
          </TreeItem>
        ))}
      </Tree>
    </TreeItem>
  );
}

import {
  Button,
  Dropdown,
  Field,
  Input,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Option,
  Spinner,
  Tab,
  TabList,
  Text,
  tokens,
  Toolbar,
  ToolbarButton,
} from '@fluentui/react-components';
import {
  AddRegular,
  DismissRegular,
  HistoryRegular,
  PlayRegular,
  ShareRegular,
  StopRegular,
  TextGrammarArrowRightRegular,
} from '@fluentui/react-icons';
import { lazy, Suspense, useCallback, useEffect, useRef } from 'react';
import type { ClusterToQuery } from '../api/kusto.ts';
import { clusters as listClusters } from '../api/kusto.ts';
import { useScheme } from '../shell/color-scheme.ts';
import { linkTo, useRoute } from '../shell/route.ts';
import { useAnswer } from '../shell/use-answer.ts';
import type { KqlEditorHandle } from './editor/kql-editor.tsx';
import { declaredParameters } from './editor/statement.ts';
import { Explorer } from './explorer/explorer.tsx';
import { FileButton, FileDrop } from './ingest/file-drop.tsx';
import type { QueryTab } from './query-tabs.ts';
import { addTab, changeTab, closeTab, forgetPast, showTab, useQueryTabs } from './query-tabs.ts';
import { Results } from './results.tsx';
import { linkQuery, readLink, shellLine } from './share.ts';
import { useDatabaseSchema } from './use-database-schema.ts';
import { useRunner } from './use-runner.ts';

const KqlEditor = lazy(() => import('./editor/kql-editor.tsx'));

const useStyles = makeStyles({
  page: {
    display: 'flex',
    flexDirection: 'column',
    height: 'calc(100vh - 84px)',
    minHeight: '560px',
    gap: '4px',
    minWidth: 0,
  },
  bar: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: tokens.spacingHorizontalS },
  title: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' },
  columns: {
    display: 'grid',
    gridTemplateColumns: '220px minmax(0, 1fr)',
    gap: tokens.spacingHorizontalM,
    flexGrow: 1,
    minHeight: 0,
    '@media (max-width: 900px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  explorer: { overflow: 'auto', minHeight: 0, '@media (max-width: 900px)': { maxHeight: '140px' } },
  work: { display: 'flex', flexDirection: 'column', minHeight: 0, minWidth: 0, gap: '6px' },
  editor: { height: '34%', minHeight: '130px' },
  results: { flexGrow: 1, minHeight: '200px' },
  parameters: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalS },
});

/** Queries and management commands, with what they give. */
export default function QueryPage() {
  const styles = useStyles();
  const scheme = useScheme();
  const { tabs, current, past } = useQueryTabs();
  const tab = tabs.find(({ id }) => id === current) ?? tabs[0];
  const editor = useRef<KqlEditorHandle>(null);
  const { value: found } = useAnswer(useCallback(() => listClusters(), []));
  useSharedQuery();
  useFirstDatabase(tab, found);
  const schema = useDatabaseSchema(tab?.host ?? '', tab?.database ?? '');
  const { run, cancel } = useRunner(editor, schema.again);
  if (tab === undefined) return null;
  const cluster = found?.find(({ host }) => host === tab.host);
  const running = tab.run?.state === 'running';
  const parameters = declaredParameters(tab.text);
  const shared = (): { text: string; host: string; database: string } => ({
    ...{ text: editor.current?.statement()?.text ?? tab.text, host: tab.host, database: tab.database },
  });
  const copyLink = (): void => {
    const address = new URL(location.href);
    address.hash = linkTo('query', [], linkQuery(shared()));
    void navigator.clipboard.writeText(address.href);
  };
  return (
    <FileDrop
      className={styles.page}
      where={{ host: tab.host, database: tab.database }}
      tables={schema.value?.Databases[tab.database]?.Tables}
      ingested={schema.again}
    >
      {(choose) => (
        <>
          <h1 className={styles.title}>Query</h1>
          <div className={styles.bar}>
            <TabList
              size="small"
              selectedValue={tab.id}
              onTabSelect={(_, { value }) => showTab(String(value))}
              aria-label="Queries"
            >
              {tabs.map(({ id, title, run: last }) => (
                <Tab key={id} value={id}>
                  {last?.state === 'running' ? `${title} …` : title}
                </Tab>
              ))}
            </TabList>
            <Button
              size="small"
              appearance="subtle"
              icon={<AddRegular />}
              aria-label="New tab"
              onClick={() => addTab({ host: tab.host, database: tab.database })}
            />
            <Button
              size="small"
              appearance="subtle"
              icon={<DismissRegular />}
              aria-label={`Close ${tab.title}`}
              onClick={() => closeTab(tab.id)}
            />
          </div>
          <Toolbar aria-label="Query" className={styles.bar}>
            <ToolbarButton
              appearance="primary"
              icon={<PlayRegular />}
              disabled={running || tab.host === ''}
              onClick={() => run(tab)}
            >
              Run
            </ToolbarButton>
            <ToolbarButton icon={<StopRegular />} disabled={!running} onClick={() => cancel(tab.id)}>
              Cancel
            </ToolbarButton>
            <Place tab={tab} found={found} cluster={cluster} />
            <ToolbarButton icon={<TextGrammarArrowRightRegular />} onClick={() => editor.current?.format()}>
              Format
            </ToolbarButton>
            <FileButton choose={choose} disabled={tab.host === ''} />
            <Menu>
              <MenuTrigger disableButtonEnhancement>
                <ToolbarButton icon={<HistoryRegular />} disabled={past.length === 0}>
                  History
                </ToolbarButton>
              </MenuTrigger>
              <MenuPopover>
                <MenuList>
                  {past.slice(0, 15).map((one) => (
                    <MenuItem
                      key={one.at.getTime()}
                      secondaryContent={one.at.toLocaleTimeString()}
                      onClick={() => addTab({ text: one.text, host: one.host, database: one.database })}
                    >
                      {`${one.state === 'done' ? '' : `(${one.state}) `}${one.text.slice(0, 60)}`}
                    </MenuItem>
                  ))}
                  <MenuItem onClick={forgetPast}>Forget all</MenuItem>
                </MenuList>
              </MenuPopover>
            </Menu>
            <Menu>
              <MenuTrigger disableButtonEnhancement>
                <ToolbarButton icon={<ShareRegular />}>Share</ToolbarButton>
              </MenuTrigger>
              <MenuPopover>
                <MenuList>
                  <MenuItem onClick={copyLink}>Copy as link</MenuItem>
                  <MenuItem onClick={() => void navigator.clipboard.writeText(shellLine(shared()))}>
                    Copy as kustody query
                  </MenuItem>
                </MenuList>
              </MenuPopover>
            </Menu>
          </Toolbar>
          {parameters.length > 0 && (
            <div className={styles.parameters} role="group" aria-label="Query parameters">
              {parameters.map(({ name, type, fallback }) => (
                <Field key={name} label={`${name}: ${type}`} size="small">
                  <Input
                    size="small"
                    placeholder={fallback ?? 'a value'}
                    value={tab.parameters[name] ?? ''}
                    onChange={(_, { value }) => changeTab(tab.id, { parameters: { ...tab.parameters, [name]: value } })}
                  />
                </Field>
              ))}
            </div>
          )}
          <div className={styles.columns}>
            <nav className={styles.explorer} aria-label="Database" tabIndex={0}>
              <Explorer
                schema={schema}
                host={tab.host}
                database={tab.database}
                insert={(text) => editor.current?.insert(text)}
                openTab={(text) => addTab({ text, host: tab.host, database: tab.database })}
              />
            </nav>
            <div className={styles.work}>
              <div className={styles.editor}>
                <Suspense fallback={<Spinner label="Loading the editor" />}>
                  <KqlEditor
                    handle={editor}
                    tab={tab.id}
                    text={tab.text}
                    scheme={scheme}
                    schema={schema.value}
                    host={tab.host}
                    database={tab.database}
                    onChange={(text) => changeTab(tab.id, { text })}
                    onRun={() => run(tab)}
                    onReady={() => performance.mark('kustody.editor-ready')}
                  />
                </Suspense>
              </div>
              <section className={styles.results} aria-label="Result">
                <Results run={tab.run} scheme={scheme} />
              </section>
            </div>
          </div>
        </>
      )}
    </FileDrop>
  );
}

/** Which cluster and database a tab asks. */
function Place(props: {
  readonly tab: QueryTab;
  readonly found: readonly ClusterToQuery[] | undefined;
  readonly cluster: ClusterToQuery | undefined;
}) {
  const { tab, found, cluster } = props;
  if (found?.length === 0) return <Text>There is no cluster yet.</Text>;
  const value = tab.host === '' ? '' : `${cluster?.name ?? tab.host} / ${tab.database}`;
  return (
    <Dropdown
      size="small"
      aria-label="Cluster and database"
      placeholder="Cluster and database"
      value={value}
      selectedOptions={[`${tab.host} ${tab.database}`]}
      onOptionSelect={(_, { optionValue = '' }) => {
        const [host = '', ...database] = optionValue.split(' ');
        changeTab(tab.id, { host, database: database.join(' ') });
      }}
    >
      {(found ?? []).flatMap(({ name, host, state, databases = [] }) =>
        databases.map((database) => {
          const text = `${name} / ${database}${state === 'Running' ? '' : ` (${state})`}`;
          return (
            <Option key={`${host} ${database}`} value={`${host} ${database}`} text={text}>
              {text}
            </Option>
          );
        }),
      )}
    </Dropdown>
  );
}

/** A link's text comes into a tab once, and leaves the address bar. */
function useSharedQuery(): void {
  const { query } = useRoute();
  const shared = readLink(query);
  useEffect(() => {
    if (shared === undefined) return;
    history.replaceState(null, '', linkTo('query'));
    addTab(shared);
  }, [shared?.text]);
}

/** A tab without a place asks the first database there is. */
function useFirstDatabase(tab: QueryTab | undefined, found: readonly ClusterToQuery[] | undefined): void {
  const id = tab?.host === '' ? tab.id : undefined;
  const first = found?.find(({ databases }) => databases.length > 0);
  useEffect(() => {
    const database = first?.databases[0];
    if (id !== undefined && first !== undefined && database !== undefined)
      changeTab(id, { host: first.host, database });
  }, [id, first]);
}

import {
  Button,
  Link,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Spinner,
  Text,
  tokens,
} from '@fluentui/react-components';
import { useEffect, useRef, useState } from 'react';
import type { DocumentedCode } from '../../../src/cmk/documented-errors.ts';
import { documentedCodes, documentedErrors, namedBy } from '../../../src/cmk/documented-errors.ts';
import { cmkErrors } from '../../../src/providers/kusto/cmk-error-rows.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { PageFrame } from '../shell/page-frame.tsx';
import { linkTo, useRoute } from '../shell/route.ts';
import type { Exchange } from './exchange.ts';
import { ExchangeView } from './exchange-view.tsx';
import { provocations, provoke } from './provocations.ts';
import { Conversation, findRehearsal, openRehearsal, removeRehearsal } from './rehearsal.ts';

const useStyles = makeStyles({
  list: { margin: 0, paddingLeft: tokens.spacingHorizontalXL },
  lines: {
    margin: `${tokens.spacingVerticalXS} 0 0`,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  },
  row: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM, alignItems: 'center' },
  codes: { overflowWrap: 'anywhere', display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM },
  broken: { overflowWrap: 'anywhere' },
});

/** What is under way, or came out: of an error, or of the rehearsal's end. */
interface Run {
  readonly of: DocumentedCode | 'remove';
  readonly exchanges: readonly Exchange[];
  readonly busy: boolean;
  readonly instead?: string;
  readonly failure?: Error;
}

export default function Errors() {
  return (
    <PageFrame title="Errors" looking="Looking for a rehearsal" ask={findRehearsal}>
      {({ group }, again) => <Documented group={group} again={again} />}
    </PageFrame>
  );
}

/** @param group of the rehearsal, where there is one */
function Documented({ group, again }: { readonly group: string | undefined; readonly again: () => void }) {
  const styles = useStyles();
  const [run, setRun] = useState<Run>();
  const ended = useRef(new AbortController());
  useEffect(() => {
    ended.current = new AbortController();
    return () => ended.current.abort();
  }, []);
  const [wanted] = useRoute().rest;
  useEffect(() => {
    if (wanted !== undefined) document.getElementById(`error-${wanted}`)?.focus();
  }, [wanted]);

  const begin = async (of: Run['of'], work: (talk: Conversation) => Promise<{ readonly instead?: string }>) => {
    const { signal } = ended.current;
    let now: Run = { of, exchanges: [], busy: true };
    const show = (change: Partial<Run>): void => {
      now = { ...now, ...change };
      if (!signal.aborted) setRun(now);
    };
    show({});
    try {
      const talk = new Conversation((seen) => show({ exchanges: [...now.exchanges, seen] }), signal);
      show({ ...(await work(talk)), busy: false });
    } catch (error) {
      show({ failure: error instanceof Error ? error : new Error(String(error)), busy: false });
    }
    if (!signal.aborted) again();
  };
  const busy = run?.busy === true;
  return (
    <>
      <Card title="The rehearsal">
        <Text>
          The errors of Microsoft's article on customer-managed keys. Each can be had here: on a cluster and vaults of a
          resource group that is made for it, kustody-rehearsal, by requests that anybody can send. No cluster of yours
          is touched.
        </Text>
        <nav aria-label="Errors" className={styles.codes}>
          {documentedCodes.map((code) => (
            <Link key={code} href={linkTo('errors', [code])} inline>
              {code}
            </Link>
          ))}
        </nav>
        <div className={styles.row}>
          <Button
            disabled={busy || group === undefined}
            onClick={() =>
              group !== undefined && void begin('remove', (talk) => removeRehearsal(group, talk).then(() => ({})))
            }
          >
            Remove the rehearsal
          </Button>
          <Text data-testid="rehearsal" data-there={group !== undefined}>
            {group === undefined
              ? 'There is none: the first error makes it.'
              : 'It is there until it is removed. Vaults with purge protection stay deleted for their retention.'}
          </Text>
        </div>
        {run?.of === 'remove' && <RunView run={run} />}
      </Card>
      {documentedCodes.map((code) => {
        const { cause, check, run: commands } = documentedErrors[code];
        const { status, text } = cmkErrors[code];
        return (
          <div key={code} id={`error-${code}`} tabIndex={-1} data-testid={code}>
            <Card title={code}>
              <Text className={styles.broken}>
                {status}: {text({ vaultUri: '…', keyName: '…' })}
              </Text>
              <Text>{cause}</Text>
              <ul className={styles.list} aria-label="What to check">
                {check.map((one) => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
              <details>
                <summary>What to run</summary>
                <pre className={styles.lines}>{commands(namedBy(undefined, {})).join('\n')}</pre>
              </details>
              <div className={styles.row}>
                <Button
                  disabled={busy}
                  aria-label={`Provoke it here: ${code}`}
                  {...(busy && run.of === code ? { icon: <Spinner size="tiny" /> } : {})}
                  onClick={() => void begin(code, async (talk) => provoke(code, await openRehearsal(talk), talk))}
                >
                  Provoke it here
                </Button>
                <Text>{provocations[code].how}</Text>
              </div>
              {run?.of === code && <RunView run={run} />}
            </Card>
          </div>
        );
      })}
    </>
  );
}

function RunView({ run: { of, exchanges, busy, instead, failure } }: { readonly run: Run }) {
  return (
    <div role="status" data-testid="run" data-busy={busy} data-well={!busy && instead === undefined && !failure}>
      <ExchangeView exchanges={exchanges} />
      {instead !== undefined && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>Something else was answered</MessageBarTitle>
            {instead}
          </MessageBarBody>
        </MessageBar>
      )}
      {failure !== undefined && <FailureBar failure={failure} />}
      {!busy && instead === undefined && failure === undefined && (
        <MessageBar intent="success" layout="multiline">
          <MessageBarBody>
            {of === 'remove' ? 'Nothing is left of it.' : `${of} was answered, and is mended: the cluster has the key.`}
          </MessageBarBody>
        </MessageBar>
      )}
    </div>
  );
}

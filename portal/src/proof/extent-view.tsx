import { makeStyles, Text, tokens } from '@fluentui/react-components';
import { useCallback } from 'react';
import { bracketed } from '../api/kql-names.ts';
import { queryV2 } from '../api/kusto.ts';
import { startOfExtent } from '../api/proof.ts';
import { FailureBar } from '../shell/failure-bar.tsx';
import { useAnswer } from '../shell/use-answer.ts';
import { hexLines } from './hex-lines.ts';

const useStyles = makeStyles({
  columns: {
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 420px), 1fr))',
    gap: tokens.spacingHorizontalM,
  },
  side: { minWidth: 0 },
  text: {
    margin: `${tokens.spacingVerticalXS} 0`,
    maxHeight: '360px',
    overflow: 'auto',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    padding: tokens.spacingHorizontalS,
    backgroundColor: tokens.colorNeutralBackground3,
  },
  wrapped: { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' },
});

/** An extent, as one looks at it. */
export interface ChosenExtent {
  readonly cluster: string;
  readonly host: string | undefined;
  readonly database: string;
  readonly table: string;
  readonly extentId: string;
}

const bytesShown = 512;
const rowsShown = 5;

/** The bytes that lie on the disk, beside the rows that a query gets of them: with the key, or not. */
export function ExtentView({ extent }: { readonly extent: ChosenExtent }) {
  const styles = useStyles();
  const { cluster, host, database, table, extentId } = extent;
  const askBytes = useCallback(
    (signal: AbortSignal) => startOfExtent(cluster, extentId, bytesShown, { signal }),
    [cluster, extentId],
  );
  const askRows = useCallback(
    (signal: AbortSignal) => rowsOf({ host: host ?? '', database, table, extentId }, signal),
    [host, database, table, extentId],
  );
  const sealed = useAnswer(askBytes, lookEveryMs);
  const opened = useAnswer(askRows, lookEveryMs);
  return (
    <div className={styles.columns} data-testid="extent">
      <section className={styles.side} aria-label="On the disk">
        <Text weight="semibold">On the disk</Text>
        {sealed.failure !== undefined && <FailureBar failure={sealed.failure} />}
        {sealed.value !== undefined && (
          <>
            {sealed.failure !== undefined && <Text block>As they were read before:</Text>}
            <pre className={styles.text} tabIndex={0} aria-label="First bytes" data-testid="sealed">
              {hexLines(sealed.value.bytes).join('\n')}
            </pre>
            <details>
              <summary>What opens it (encryptiondata of the blob)</summary>
              <pre className={`${styles.text} ${styles.wrapped}`} tabIndex={0}>
                {laidOut(sealed.value.encryptionData)}
              </pre>
            </details>
          </>
        )}
      </section>
      <section className={styles.side} aria-label="What the key opens">
        <Text weight="semibold">What the key opens</Text>
        {opened.failure !== undefined ? (
          <div data-testid="not-opened">
            <FailureBar failure={opened.failure} />
          </div>
        ) : (
          opened.value !== undefined && (
            <pre className={`${styles.text} ${styles.wrapped}`} tabIndex={0} aria-label="First rows" data-testid="rows">
              {opened.value.join('\n')}
            </pre>
          )
        )}
      </section>
    </div>
  );
}

const lookEveryMs = 2_000;

/** The first rows of one extent, each as JSON. */
async function rowsOf(
  { host, database, table, extentId }: Omit<ChosenExtent, 'cluster' | 'host'> & { readonly host: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const csl = `${bracketed(table)} | where extent_id() == guid(${extentId}) | take ${rowsShown}`;
  const frames = await queryV2({ host, database }, csl, { signal });
  const primary = frames.find(({ TableKind }) => TableKind === 'PrimaryResult');
  const names = primary?.Columns?.map(({ ColumnName }) => ColumnName) ?? [];
  return (primary?.Rows ?? []).map((row) =>
    Array.isArray(row) ? names.map((name, index) => `${name}: ${JSON.stringify(row[index])}`).join('\n') + '\n' : '',
  );
}

function laidOut(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}

import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import type { Exchange, Stage } from './exchange.ts';
import { managementHost } from './exchange.ts';

const useStyles = makeStyles({
  list: { margin: 0, paddingLeft: tokens.spacingHorizontalXL, '& li': { marginBottom: tokens.spacingVerticalXS } },
  line: { overflowWrap: 'anywhere' },
  status: { fontWeight: tokens.fontWeightSemibold },
  failed: { color: tokens.colorStatusDangerForeground3 },
  text: {
    margin: `${tokens.spacingVerticalXS} 0`,
    maxHeight: '320px',
    overflow: 'auto',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    padding: tokens.spacingHorizontalS,
    backgroundColor: tokens.colorNeutralBackground3,
  },
});

const stages: Readonly<Record<Stage, string>> = {
  prepare: 'Made ready',
  error: 'Provoked',
  mend: 'Mended',
  tidy: 'Tidied up',
};

/** Requests with their answers, in order; the one that is the error lies open. */
export function ExchangeView({ exchanges }: { readonly exchanges: readonly Exchange[] }) {
  const styles = useStyles();
  return (
    <ol className={styles.list}>
      {exchanges.map((seen, index) => {
        const failed = seen.status < 200 || seen.status >= 300;
        return (
          <li key={index} data-stage={seen.stage} data-status={seen.status}>
            <details open={seen.stage === 'error'}>
              <summary className={styles.line}>
                {stages[seen.stage]}: {seen.says}{' '}
                <span className={mergeClasses(styles.status, failed && styles.failed)}>
                  {seen.status === 0 ? 'no answer' : seen.status}
                </span>
              </summary>
              <pre className={styles.text} tabIndex={0} aria-label="Request">
                {`${seen.method} https://${managementHost}${seen.path}`}
                {seen.json === undefined ? '' : `\n\n${JSON.stringify(seen.json, undefined, 2)}`}
              </pre>
              <pre className={styles.text} tabIndex={0} aria-label="Answer">
                {answerText(seen)}
              </pre>
            </details>
          </li>
        );
      })}
    </ol>
  );
}

function answerText({ status, answer }: Exchange): string {
  const body = answer === undefined ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer, undefined, 2);
  return body === '' ? String(status) : `${status}\n\n${body}`;
}

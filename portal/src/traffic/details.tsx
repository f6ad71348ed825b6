import { Button, Link, makeStyles, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import { documentedCodes } from '../../../src/cmk/documented-errors.ts';
import type { SeenBody, SeenRequest } from '../api/traffic.ts';
import { linkTo } from '../shell/route.ts';

const useStyles = makeStyles({
  list: {
    display: 'grid',
    gridTemplateColumns: 'max-content minmax(0, 1fr)',
    gap: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
    margin: `${tokens.spacingVerticalS} 0`,
    '& dt': { color: tokens.colorNeutralForeground2 },
    '& dd': { margin: 0, overflowWrap: 'anywhere' },
    '@media (max-width: 500px)': { gridTemplateColumns: 'minmax(0, 1fr)' },
  },
  heading: { margin: 0, fontSize: tokens.fontSizeBase200, color: tokens.colorNeutralForeground2 },
  line: {
    margin: `0 0 ${tokens.spacingVerticalS}`,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
  },
});

/** All that is known of a request, and the line that sends it again. */
export function Details({ request, curl }: { readonly request: SeenRequest; readonly curl: string | undefined }) {
  const styles = useStyles();
  const [copied, setCopied] = useState(false);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Error', request.code],
    ['Message', request.message ?? messageOf(request.bodies?.answer?.text)],
    ['Broken off', request.aborted && 'the client left, or was cut off, before the answer was complete'],
    ['Address', `https://${request.host}${request.path}`],
    ['Operation', `${request.operation} (${request.plane})`],
    ['Caller (object id)', request.callerId],
    ['Application', request.appId],
    ['Request id', request.requestId],
    ['Correlation id', request.correlationId],
    ['Client request id', request.clientRequestId],
  ];
  return (
    <>
      <dl className={styles.list}>
        {rows.map(([name, text]) =>
          text === undefined ? null : (
            <div key={name} style={{ display: 'contents' }}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ),
        )}
      </dl>
      {documentedCodes.some((code) => code === request.code) && (
        <p>
          <Link href={linkTo('errors', [request.code ?? ''])}>What {request.code} is, and what to do</Link>
        </p>
      )}
      <Body name="Request body" body={request.bodies?.request} />
      <Body name="Answer body" body={request.bodies?.answer} />
      {curl !== undefined && (
        <>
          <pre className={styles.line} data-testid="curl">
            {curl}
          </pre>
          <Button size="small" onClick={() => void navigator.clipboard.writeText(curl).then(() => setCopied(true))}>
            {copied ? 'Copied' : 'Copy as curl'}
          </Button>
        </>
      )}
    </>
  );
}

function Body({ name, body }: { readonly name: string; readonly body: SeenBody | undefined }) {
  const styles = useStyles();
  if (body === undefined) return null;
  return (
    <section aria-label={name}>
      <h3 className={styles.heading}>
        {name}, {body.bytes} bytes{body.text === undefined ? ': too long, or no JSON' : ''}
      </h3>
      {body.text !== undefined && <pre className={styles.line}>{indented(body.text)}</pre>}
    </section>
  );
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text.replaceAll('&', '\n'); // a form
  }
}

/** Where the list has none, since it may quote what was sent: that of the answer, once bodies were asked for. */
function messageOf(answer: string | undefined): string | undefined {
  try {
    const { error } = JSON.parse(answer ?? '{}') as { readonly error?: Readonly<Record<string, unknown>> };
    const message = error?.['@message'] ?? error?.['message'];
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

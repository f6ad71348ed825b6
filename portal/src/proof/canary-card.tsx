import {
  Button,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Spinner,
  Text,
  tokens,
} from '@fluentui/react-components';
import { useState } from 'react';
import { verdictOf } from '../../../src/cli/proof/verdict.ts';
import { listClusters } from '../api/control.ts';
import type { DiskScan } from '../api/proof.ts';
import { scanDisk } from '../api/proof.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { quoted } from '../shell/posix-word.ts';
import type { PositiveControl } from './positive-control.ts';
import { controlCanary } from './positive-control.ts';
import { useLook } from './use-look.ts';

const useStyles = makeStyles({
  row: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM, alignItems: 'center' },
  text: { flexGrow: 1, minWidth: '180px', maxWidth: '420px' },
  broken: { overflowWrap: 'anywhere' },
  code: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
  list: { margin: 0, paddingLeft: tokens.spacingHorizontalXL, overflowWrap: 'anywhere' },
});

interface Found {
  readonly scan: DiskScan;
  readonly control: PositiveControl;
}

const bytesMin = 6;
const bytesMax = 256;

/** Looks for a text first in the rows, then in every file, as `kustody proof --canary` does. */
export function CanaryCard() {
  const styles = useStyles();
  const [canary, setCanary] = useState('');
  const bytes = new TextEncoder().encode(canary).byteLength;
  const { found, failure, busy, look, stop } = useLook(async (signal): Promise<Found> => {
    const control = await controlCanary(await listClusters(true, signal), canary, signal);
    return { control, scan: await scanDisk(canary, signal) };
  }, false);
  return (
    <Card title="Canary">
      <Text>
        A text that is in your rows and nowhere else. It is looked for in the rows first, by a query; then in every file
        of the data directory, in UTF-8, UTF-16 and base64.
      </Text>
      <form
        className={styles.row}
        onSubmit={(event) => {
          event.preventDefault();
          look();
        }}
      >
        <Input
          className={styles.text}
          aria-label="Canary"
          placeholder={`${bytesMin} to ${bytesMax} bytes`}
          value={canary}
          onChange={(_, { value }) => setCanary(value)}
        />
        <Button type="submit" disabled={busy || bytes < bytesMin || bytes > bytesMax}>
          Look for it
        </Button>
        {busy ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <code className={styles.code}>{canary === '' ? '' : `kustody proof --canary ${quoted(canary)}`}</code>
        )}
      </form>
      {busy && <Spinner size="tiny" label="Asking the tables and reading the files" />}
      {failure !== undefined && <FailureBar failure={failure} />}
      {found !== undefined && <Verdict {...found} />}
    </Card>
  );
}

function Verdict({ scan, control }: Found) {
  const styles = useStyles();
  const isClean = scan.matchCount === 0 && scan.unreadableCount === 0;
  const intent = scan.matchCount > 0 ? 'error' : isClean && control.rows > 0 ? 'success' : 'warning';
  return (
    <div role="status" data-testid="verdict" data-intent={intent}>
      <MessageBar intent={intent} layout="multiline">
        <MessageBarBody className={styles.broken}>
          {verdictOf({ canaries: [control.canary], controls: [control], scan })}
        </MessageBarBody>
      </MessageBar>
      <ul className={styles.list}>
        <li data-testid="control">
          Positive control:{' '}
          {control.table === undefined
            ? 'no table that could be asked has it'
            : `${control.rows} ${control.rows === 1 ? 'row' : 'rows'} of ${control.table}`}
        </li>
        {control.notAsked.map((text) => (
          <li key={text}>Not asked: {text}</li>
        ))}
        <li>
          {scan.files} files read, {scan.bytes} bytes
        </li>
        {scan.matches.map(({ file, form, offset }) => (
          <li key={`${file} ${form}`}>
            In the clear: {file}, {form}, at byte {offset}
          </li>
        ))}
        {scan.unreadable.map((file) => (
          <li key={file}>Not read: {file}</li>
        ))}
        {(scan.matchCount > scan.matches.length || scan.unreadableCount > scan.unreadable.length) && (
          <li>
            Only the first are listed, of {scan.matchCount} places and {scan.unreadableCount} files not read.
          </li>
        )}
      </ul>
    </div>
  );
}

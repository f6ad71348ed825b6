import {
  Button,
  Card,
  Checkbox,
  Input,
  Link,
  makeStyles,
  mergeClasses,
  Select,
  TableCell,
  TableRow,
  Text,
  tokens,
} from '@fluentui/react-components';
import { Fragment, useState } from 'react';
import { status } from '../api/control.ts';
import type { Recording, SeenRequest } from '../api/traffic.ts';
import { followTraffic, withoutBodies } from '../api/traffic.ts';
import { lookEveryMs, PageFrame } from '../shell/page-frame.tsx';
import { ScrollTable } from '../shell/scroll-table.tsx';
import { useAnswer } from '../shell/use-answer.ts';
import { BodiesSwitch } from './bodies-switch.tsx';
import { curlLine } from './curl-line.ts';
import { Details } from './details.tsx';
import type { Filter } from './filter.ts';
import { filtered, hasFailed } from './filter.ts';

const useStyles = makeStyles({
  bar: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM, alignItems: 'center' },
  search: { flexGrow: 1, minWidth: '180px', maxWidth: '420px' },
  list: { marginTop: tokens.spacingVerticalM, padding: tokens.spacingHorizontalS },
  time: { width: '64px' },
  method: { width: '60px' },
  host: { color: tokens.colorNeutralForeground2 },
  status: { width: '184px', '@media (min-width: 1200px)': { width: '284px' } },
  // No word is broken: a code that is longer than the column is whole in what is opened below.
  statusWords: { display: 'flex', flexWrap: 'wrap', columnGap: '0.5ch', lineHeight: tokens.lineHeightBase300 },
  statusWord: { maxWidth: '100%', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  ms: { width: '56px', textAlign: 'right' },
  broken: { overflowWrap: 'anywhere', textAlign: 'left', lineHeight: tokens.lineHeightBase300 },
  failed: { color: tokens.colorStatusDangerForeground3, fontWeight: tokens.fontWeightSemibold },
  // Seen whole on a narrow screen, too, where the table is moved sideways.
  details: { position: 'sticky', left: 0, maxWidth: 'calc(100vw - 80px)', padding: tokens.spacingHorizontalS },
});

const rowsMax = 200;

export default function Traffic() {
  const [ask] = useState(followTraffic);
  return (
    <PageFrame title="Traffic" looking="Looking" ask={ask} everyMs={lookEveryMs}>
      {({ requests, recording }) => <Requests seen={requests} recording={recording} />}
    </PageFrame>
  );
}

interface RequestsProps {
  /** The newest first. */
  readonly seen: readonly SeenRequest[];
  readonly recording: Recording;
}

function Requests({ seen, recording }: RequestsProps) {
  const styles = useStyles();
  const { value: known } = useAnswer(status);
  const [held, setHeld] = useState<readonly SeenRequest[]>();
  const [filter, setFilter] = useState<Filter>({ text: '', plane: '', failedOnly: false });
  const [opened, setOpened] = useState<number>();
  const [forgotten, setForgotten] = useState(0);
  const all = (held ?? seen).map((request) => (request.sequence <= forgotten ? withoutBodies(request) : request));
  const found = filtered(all, filter);
  const planes = [...new Set(all.map(({ plane }) => plane))].sort();
  const fresh = (seen[0]?.sequence ?? 0) - (held?.[0]?.sequence ?? 0);
  return (
    <>
      <div className={styles.bar} role="search">
        <Input
          className={styles.search}
          type="search"
          aria-label="Filter by text"
          placeholder="Host, path, code, id …"
          value={filter.text}
          onChange={(_, { value: text }) => setFilter({ ...filter, text })}
        />
        <Select
          aria-label="Plane"
          value={filter.plane}
          onChange={(_, { value: plane }) => setFilter({ ...filter, plane })}
        >
          <option value="">All planes</option>
          {[...new Set([...planes, ...(filter.plane === '' ? [] : [filter.plane])])].map((plane) => (
            <option key={plane}>{plane}</option>
          ))}
        </Select>
        <Checkbox
          label="Failed only"
          checked={filter.failedOnly}
          onChange={(_, { checked }) => setFilter({ ...filter, failedOnly: checked === true })}
        />
        <Button onClick={() => setHeld(held === undefined ? seen : undefined)}>
          {held === undefined ? 'Pause' : fresh > 0 ? `Go on (${fresh} new)` : 'Go on'}
        </Button>
        <BodiesSwitch recording={recording} forget={() => setForgotten(seen[0]?.sequence ?? 0)} />
      </div>
      <Card className={styles.list} role="region" aria-label="Requests">
        {found.length === 0 && (
          <Text>{all.length === 0 ? 'No plane was asked for anything yet.' : 'No request is like that.'}</Text>
        )}
        {found.length > 0 && (
          <ScrollTable
            label="The last requests, the newest first"
            columns={[
              { name: 'Time', className: styles.time },
              { name: 'Method', className: styles.method },
              'Address',
              { name: 'Status', className: styles.status },
              { name: 'ms', className: styles.ms },
            ]}
          >
            {found.slice(0, rowsMax).map((request) => (
              <Fragment key={request.sequence}>
                <Row
                  request={request}
                  isOpen={opened === request.sequence}
                  toggle={() => setOpened(opened === request.sequence ? undefined : request.sequence)}
                />
                {opened === request.sequence && (
                  <TableRow>
                    <TableCell colSpan={5}>
                      <div className={styles.details}>
                        <Details request={request} curl={known && curlLine(request, known)} />
                      </div>
                    </TableCell>
                  </TableRow>
                )}
              </Fragment>
            ))}
          </ScrollTable>
        )}
        {found.length > rowsMax && <Text>{found.length - rowsMax} older ones are not shown: filter.</Text>}
      </Card>
    </>
  );
}

interface RowProps {
  readonly request: SeenRequest;
  readonly isOpen: boolean;
  readonly toggle: () => void;
}

function Row({ request, isOpen, toggle }: RowProps) {
  const styles = useStyles();
  const { aborted, status, code } = request;
  const words = [aborted === true ? 'broken off' : String(status), ...(code === undefined ? [] : [code])];
  return (
    <TableRow data-testid="request">
      <TableCell className={styles.time}>{request.time.slice(11, 19)}</TableCell>
      <TableCell className={styles.method}>{request.method}</TableCell>
      <TableCell className={styles.broken}>
        <span className={styles.host}>{request.host}</span>
        <Link as="button" className={styles.broken} aria-expanded={isOpen} onClick={toggle}>
          {request.path}
        </Link>
      </TableCell>
      <TableCell className={mergeClasses(styles.status, hasFailed(request) && styles.failed)}>
        <span className={styles.statusWords} title={words.join(' ')}>
          {words.map((word) => (
            <span key={word} className={styles.statusWord} data-testid="status-word">
              {word}
            </span>
          ))}
        </span>
      </TableCell>
      <TableCell className={styles.ms}>{request.ms.toFixed(1)}</TableCell>
    </TableRow>
  );
}

import { Button, Checkbox, makeStyles, Text, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import type { WayName } from '../../../src/server/drill-matrix.ts';
import { wayRows } from '../../../src/server/drill-matrix.ts';
import type { DrillRun } from '../../../src/server/drill-matrix.ts';
import { cancelDrill, readDrill, startDrill } from '../api/drill.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { PageFrame } from '../shell/page-frame.tsx';
import { CellCard } from './cell-card.tsx';
import type { OpenedCell } from './matrix-table.tsx';
import { MatrixTable } from './matrix-table.tsx';

const useStyles = makeStyles({
  ways: { display: 'flex', flexWrap: 'wrap', border: 'none', margin: 0, padding: 0 },
  buttons: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM },
});

const lookEveryMs = 1_000;
const allWays = Object.keys(wayRows) as readonly WayName[];

export default function Drill() {
  return (
    <PageFrame title="Drill" looking="Looking at the drill" ask={readDrill} everyMs={lookEveryMs}>
      {(run, again) => <DrillCards run={run} again={again} />}
    </PageFrame>
  );
}

function DrillCards({ run, again }: { readonly run: DrillRun; readonly again: () => void }) {
  const styles = useStyles();
  const [wanted, setWanted] = useState<ReadonlySet<WayName>>(new Set(allWays));
  const [opened, setOpened] = useState<OpenedCell>();
  const [failure, setFailure] = useState<Error>();
  const isUnderWay = run.state === 'running' || run.state === 'cancelling';
  const act = (asked: Promise<unknown>): void => {
    setFailure(undefined);
    asked.then(again, (error: unknown) => setFailure(error instanceof Error ? error : new Error(String(error))));
  };
  return (
    <>
      <Card title="Every way to lose a key">
        <Text>
          A drill makes an instance of its own, with a cluster under a key, takes the key away in each of these ways,
          and does what people do meanwhile. Its clock is its own; nothing here is touched, and nothing of it stays.
        </Text>
        <fieldset className={styles.ways} aria-label="Ways" disabled={isUnderWay}>
          {allWays.map((way) => (
            <Checkbox
              key={way}
              label={wayRows[way].title}
              checked={wanted.has(way)}
              onChange={(_, { checked }) =>
                setWanted(new Set(allWays.filter((one) => (one === way ? checked === true : wanted.has(one)))))
              }
            />
          ))}
        </fieldset>
        <div className={styles.buttons}>
          <Button
            appearance="primary"
            disabled={wanted.size === 0}
            disabledFocusable={isUnderWay}
            onClick={() => {
              setOpened(undefined);
              act(startDrill(allWays.filter((way) => wanted.has(way))));
            }}
          >
            Begin
          </Button>
          <Button disabledFocusable={run.state !== 'running'} onClick={() => act(cancelDrill())}>
            Cancel
          </Button>
        </div>
        <div role="status" data-testid="drill-state" data-state={run.state}>
          {stateText(run)}
        </div>
        {failure !== undefined && <FailureBar failure={failure} />}
      </Card>
      {run.state !== 'none' && (
        <Card title="Matrix">
          <MatrixTable rows={run.rows} open={setOpened} />
          <Text>Seconds are those of the drill’s own clock, in steps of 10.</Text>
        </Card>
      )}
      {opened !== undefined && (
        <CellCard key={`${opened.way} ${opened.cell}`} {...opened} close={() => setOpened(undefined)} />
      )}
    </>
  );
}

function stateText({ state, ok, message, rows }: DrillRun): string {
  const ended = rows.filter((row) => row.state === 'ended').length;
  switch (state) {
    case 'none':
      return 'There was no drill yet.';
    case 'running':
      return ended === 0 && rows.every((row) => row.state === 'waiting')
        ? 'The cluster is being made …'
        : `${ended} of ${rows.length} ways are through …`;
    case 'cancelling':
      return 'It ends …';
    case 'cancelled':
      return 'It was cancelled, and what it made is gone.';
    case 'failed':
      return `It failed: ${message ?? ''}`;
    case 'over':
      return ok === true ? 'All came out as it must.' : 'Not everything came out as it must.';
  }
}

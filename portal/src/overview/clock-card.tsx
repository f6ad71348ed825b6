import { Button, makeStyles, Text, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import type { Clock } from '../api/control.ts';
import { advanceClock, changeClock } from '../api/control.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';

const useStyles = makeStyles({
  row: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalS, alignItems: 'center' },
});

const steps = [
  { text: '1 hour', seconds: 3_600 },
  { text: '1 day', seconds: 86_400 },
  { text: '30 days', seconds: 30 * 86_400 },
  { text: '90 days', seconds: 90 * 86_400 },
];

export function ClockCard({ clock, changed }: { readonly clock: Clock; readonly changed: () => void }) {
  const styles = useStyles();
  const [failure, setFailure] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const run = (change: () => Promise<unknown>): void => {
    setBusy(true);
    change()
      .then(
        () => setFailure(undefined),
        (error: unknown) => setFailure(error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => {
        setBusy(false);
        changed();
      });
  };
  return (
    <Card title="Clock">
      <Text>
        <time dateTime={clock.now}>{clock.now.slice(0, 19).replace('T', ' ')}</time> UTC
        {clock.frozen ? ', frozen' : ''}
        {clock.aheadSeconds >= 60 ? `, ahead by ${aheadText(clock.aheadSeconds)}` : ''}
      </Text>
      {clock.virtual ? (
        <div className={styles.row} role="group" aria-label="Move the clock forward">
          <Text>Forward:</Text>
          {steps.map(({ text, seconds }) => (
            <Button key={text} size="small" disabled={busy} onClick={() => run(() => advanceClock(seconds))}>
              {text}
            </Button>
          ))}
          <Button
            size="small"
            disabled={busy}
            onClick={() => run(() => changeClock(clock.frozen ? 'resume' : 'freeze'))}
          >
            {clock.frozen ? 'Resume' : 'Freeze'}
          </Button>
        </div>
      ) : (
        <Text>It is the real one. A directory made with --virtual-time has one that moves.</Text>
      )}
      {clock.heldJump !== undefined && (
        <Button size="small" disabled={busy} onClick={() => run(() => changeClock('accept'))}>
          The time is right: go on with purges
        </Button>
      )}
      {failure !== undefined && <FailureBar failure={failure} />}
    </Card>
  );
}

function aheadText(seconds: number): string {
  const hours = seconds / 3_600;
  return hours < 48 ? `${hours.toFixed(1)} hours` : `${(hours / 24).toFixed(1)} days`;
}

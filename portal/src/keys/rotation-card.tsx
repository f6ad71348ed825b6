import { Field, Input, Spinner, Text } from '@fluentui/react-components';
import { useCallback, useState } from 'react';
import type { Clock } from '../api/control.ts';
import type { KeyInUse } from '../custody/chain.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { lookEveryMs } from '../shell/page-frame.tsx';
import { useAnswer } from '../shell/use-answer.ts';
import { ActionButtons } from './action-buttons.tsx';
import { daysMin, forward, nextRotation, policyText, readPolicy, setPolicy } from './rotation.ts';

interface RotationCardProps {
  readonly used: KeyInUse;
  readonly followsLatest: boolean;
  readonly clock: Clock;
  readonly done: () => void;
}

/** What the vault does with the key by itself, and what comes of it when its time has come. */
export function RotationCard({ used, followsLatest, clock, done }: RotationCardProps) {
  const { vaultHost, key } = used.parts;
  const [days, setDays] = useState('90');
  const { value, failure, again } = useAnswer(
    useCallback(() => readPolicy(vaultHost, key), [vaultHost, key]),
    lookEveryMs,
  );
  const both = (): void => {
    again();
    done();
  };
  const wanted = /^\d{1,5}$/.test(days) && Number(days) >= daysMin ? Number(days) : undefined;
  const due = value === undefined ? undefined : nextRotation(value, used);
  return (
    <Card title="Rotation policy">
      {failure !== undefined && <FailureBar failure={failure} />}
      {value === undefined && failure === undefined && <Spinner size="tiny" label="Asking the vault" />}
      {value !== undefined && (
        <>
          <Text data-testid="policy">
            {policyText(value)}
            {due === undefined
              ? ''
              : ` The next one is due on ${new Date(due).toISOString().slice(0, 16).replace('T', ' ')}.`}
            {followsLatest ? '' : ' The cluster names its version, and does not follow by itself.'}
          </Text>
          <Field
            label="Days between two versions"
            {...(wanted === undefined
              ? { validationState: 'error' as const, validationMessage: `A whole number, ${String(daysMin)} or more.` }
              : {})}
          >
            <Input size="small" inputMode="numeric" value={days} onChange={(_, given) => setDays(given.value.trim())} />
          </Field>
          <ActionButtons
            actions={[
              ...(wanted === undefined ? [] : [setPolicy(used, wanted, value)]),
              ...(due === undefined || !clock.virtual ? [] : [forward(due, clock)]),
            ]}
            done={both}
          />
          {due !== undefined && !clock.virtual && (
            <Text>The clock is the real one. A directory made with --virtual-time has one that moves.</Text>
          )}
        </>
      )}
    </Card>
  );
}

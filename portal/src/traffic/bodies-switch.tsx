import { Switch, Text } from '@fluentui/react-components';
import { useState } from 'react';
import type { Recording } from '../api/traffic.ts';
import { forgetBodies, recordBodies } from '../api/traffic.ts';
import { FailureBar } from '../shell/failure-bar.tsx';

interface SwitchProps {
  readonly recording: Recording;
  /** The bodies that the page has are to go. */
  readonly forget: () => void;
}

/** Bodies are kept while it is on, which ends by itself; turning it off forgets them. */
export function BodiesSwitch({ recording: known, forget }: SwitchProps) {
  const [told, setTold] = useState<{ readonly by: Recording; readonly since: Recording }>();
  const [failure, setFailure] = useState<Error>();
  // What a switch was told counts until the list says something newer.
  const recording = told?.since === known ? told.by : known;
  const turn = (on: boolean): void => {
    setFailure(undefined);
    if (!on) forget();
    (on ? recordBodies() : forgetBodies()).then(
      (by) => setTold({ by, since: known }),
      (error: unknown) => setFailure(error instanceof Error ? error : new Error(String(error))),
    );
  };
  return (
    <>
      <Switch label="Bodies" checked={recording.recording} onChange={(_, { checked }) => turn(checked)} />
      {recording.recording && (
        <Text data-testid="recording">
          of the next {recording.requestsLeft} requests, {recording.secondsLeft} s
        </Text>
      )}
      {failure !== undefined && <FailureBar failure={failure} />}
    </>
  );
}

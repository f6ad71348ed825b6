import { Body1, Spinner, Title2 } from '@fluentui/react-components';
import { status } from '../api/control.ts';
import { useAnswer } from '../shell/use-answer.ts';

export default function Overview() {
  const { value, failure } = useAnswer(status);
  return (
    <>
      <Title2 as="h1">Overview</Title2>
      {failure !== undefined && <Body1 as="p">{failure.message}</Body1>}
      {value === undefined && failure === undefined && <Spinner label="Asking" />}
      {value !== undefined && (
        <Body1 as="p">
          Kustody {value.version} on port {value.port}. Its clock says {value.clock.now}.
        </Body1>
      )}
    </>
  );
}

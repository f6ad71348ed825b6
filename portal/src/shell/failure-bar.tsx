import { makeStyles, MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-components';
import { ApiError } from '../api/request.ts';

const useStyles = makeStyles({ broken: { overflowWrap: 'anywhere' } });

/** What the service says, in its own words. */
export function FailureBar({ failure }: { readonly failure: Error }) {
  const styles = useStyles();
  return (
    <MessageBar intent="error" layout="multiline">
      <MessageBarBody className={styles.broken}>
        {failure instanceof ApiError && <MessageBarTitle>{failure.code}</MessageBarTitle>}
        {failure.message}
      </MessageBarBody>
    </MessageBar>
  );
}

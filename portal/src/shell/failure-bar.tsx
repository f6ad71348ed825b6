import { MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-components';
import { ApiError } from '../api/request.ts';

/** What the service says, in its own words. */
export function FailureBar({ failure }: { readonly failure: Error }) {
  return (
    <MessageBar intent="error" layout="multiline">
      <MessageBarBody>
        {failure instanceof ApiError && <MessageBarTitle>{failure.code}</MessageBarTitle>}
        {failure.message}
      </MessageBarBody>
    </MessageBar>
  );
}

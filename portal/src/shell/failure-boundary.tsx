import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from '@fluentui/react-components';
import { Component } from 'react';
import type { ReactNode } from 'react';

/** A page that fails leaves the others as they are. A part of it that did not come is not asked for twice by every browser: only loading anew helps. */
export class FailureBoundary extends Component<
  { readonly children: ReactNode },
  { readonly failure: Error | undefined }
> {
  override readonly state: { readonly failure: Error | undefined } = { failure: undefined };

  static getDerivedStateFromError(failure: Error): { readonly failure: Error } {
    return { failure };
  }

  override render(): ReactNode {
    if (this.state.failure === undefined) return this.props.children;
    return (
      <MessageBar intent="error" layout="multiline">
        <MessageBarBody>
          <MessageBarTitle>This page failed</MessageBarTitle>
          {this.state.failure.message}
        </MessageBarBody>
        <MessageBarActions>
          <Button size="small" onClick={() => location.reload()}>
            Load anew
          </Button>
        </MessageBarActions>
      </MessageBar>
    );
  }
}

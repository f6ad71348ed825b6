import { makeStyles, Spinner, Title2, tokens } from '@fluentui/react-components';
import type { ReactNode } from 'react';
import { FailureBar } from './failure-bar.tsx';
import { useAnswer } from './use-answer.ts';

const useStyles = makeStyles({ title: { marginBottom: tokens.spacingVerticalM } });

export interface PageFrameProps<T> {
  /** Of the first level; a function of what is known when it names that. */
  readonly title: string | ((value: T | undefined) => string);
  /** What it says until the first answer: `Looking at the keys`. */
  readonly looking: string;
  /** The same function each time. @see useAnswer */
  readonly ask: (signal: AbortSignal) => Promise<T>;
  /** Milliseconds; absent: asked once, and by `again`. */
  readonly everyMs?: number;
  /** What stands below, once there was an answer; the last one while a newer is asked for, or fails. */
  readonly children: (value: T, again: () => void) => ReactNode;
}

/** How often a page looks that shows what others do. */
export const lookEveryMs = 2_000;

/** A page of what the service answers: its heading, what failed, that it waits, and the answer, asked for again and again. */
export function PageFrame<T>({ title, looking, ask, everyMs, children }: PageFrameProps<T>) {
  const styles = useStyles();
  const { value, failure, again } = useAnswer(ask, everyMs);
  return (
    <>
      <Title2 as="h1" block className={styles.title}>
        {typeof title === 'string' ? title : title(value)}
      </Title2>
      {failure !== undefined && <FailureBar failure={failure} />}
      {value === undefined && failure === undefined && <Spinner label={looking} />}
      {value !== undefined && children(value, again)}
    </>
  );
}

import { Card as FluentCard, makeStyles, Subtitle2, tokens } from '@fluentui/react-components';
import type { ReactNode } from 'react';

const useStyles = makeStyles({
  card: { padding: tokens.spacingHorizontalL, marginBottom: tokens.spacingVerticalM, minWidth: 0 },
  title: { overflowWrap: 'anywhere' },
});

/** A part of a page, with a heading of the second level. */
export function Card({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const styles = useStyles();
  return (
    <FluentCard className={styles.card} role="region" aria-label={title}>
      <Subtitle2 as="h2" block className={styles.title}>
        {title}
      </Subtitle2>
      {children}
    </FluentCard>
  );
}

import { Card as FluentCard, makeStyles, Subtitle2, tokens } from '@fluentui/react-components';
import type { ReactNode } from 'react';

const useStyles = makeStyles({
  card: { padding: tokens.spacingHorizontalL, marginBottom: tokens.spacingVerticalM, minWidth: 0 },
});

/** A part of a page, with a heading of the second level. */
export function Card({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <FluentCard className={useStyles().card} role="region" aria-label={title}>
      <Subtitle2 as="h2" block>
        {title}
      </Subtitle2>
      {children}
    </FluentCard>
  );
}

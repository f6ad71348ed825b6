import { Link, makeStyles, Spinner, Text, tokens } from '@fluentui/react-components';
import { useCallback } from 'react';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { PageFrame } from '../shell/page-frame.tsx';
import { linkTo, useRoute } from '../shell/route.ts';
import type { BaseLists } from './base-lists.ts';
import { listBase } from './base-lists.ts';
import { kinds } from './kinds.ts';
import type { ListedThings, ThingKind } from './thing-kind.ts';
import { ThingTable } from './thing-table.tsx';

const useStyles = makeStyles({
  kinds: {
    display: 'flex',
    flexWrap: 'wrap',
    gap: tokens.spacingHorizontalM,
    marginBottom: tokens.spacingVerticalM,
  },
});

/** Each time some requests go out for each cluster and vault. */
const lookEveryMs = 5_000;
const firstKind = kinds[0] as ThingKind;

interface Seen extends ListedThings {
  readonly kind: ThingKind;
  readonly base: BaseLists;
}

export default function Administration() {
  const styles = useStyles();
  const [wanted] = useRoute().rest;
  const kind = kinds.find(({ id }) => id === wanted) ?? firstKind;
  const ask = useCallback(
    async (signal: AbortSignal): Promise<Seen> => {
      const base = await listBase(signal);
      const { things, problems } = await kind.list(base, signal);
      return { kind, base, things, problems: [...base.problems, ...problems] };
    },
    [kind],
  );
  return (
    <PageFrame title="Administration" looking="Looking around" ask={ask} everyMs={lookEveryMs}>
      {(seen) => (
        <>
          <nav aria-label="Kinds of things" className={styles.kinds}>
            {kinds.map(({ id, title }) => (
              <Link
                key={id}
                href={linkTo('administration', [id])}
                {...(id === kind.id ? { 'aria-current': 'page' as const } : {})}
              >
                {title}
              </Link>
            ))}
          </nav>
          <Card title={kind.title}>
            {seen.kind === kind ? <Things seen={seen} /> : <Spinner label="Looking around" />}
          </Card>
        </>
      )}
    </PageFrame>
  );
}

function Things({ seen: { kind, things, problems } }: { readonly seen: Seen }) {
  return (
    <>
      {problems.map(({ what, failure }) => (
        <section key={what} aria-label={what}>
          <Text>{what}</Text>
          <FailureBar failure={failure} />
        </section>
      ))}
      <ThingTable kind={kind} things={things} />
    </>
  );
}

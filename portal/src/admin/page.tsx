import { Button, Link, makeStyles, mergeClasses, Spinner, Text, Title2, tokens } from '@fluentui/react-components';
import { useCallback, useState } from 'react';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { areMany } from '../shell/found-clusters.tsx';
import { PageFrame } from '../shell/page-frame.tsx';
import { linkTo, useRoute } from '../shell/route.ts';
import type { BaseLists } from './resources.ts';
import { listBase } from './base-lists.ts';
import type { Form } from './form.ts';
import type { Opened } from './form-card.tsx';
import { FormCard } from './form-card.tsx';
import { kinds } from './kinds.ts';
import type { ListedThings, Thing, ThingKind } from './thing-kind.ts';
import { ThingTable } from './thing-table.tsx';

const useStyles = makeStyles({
  kinds: {
    display: 'flex',
    flexWrap: 'wrap',
    gap: tokens.spacingHorizontalM,
    marginBottom: tokens.spacingVerticalM,
  },
  current: {
    color: tokens.colorNeutralForeground1,
    fontWeight: tokens.fontWeightSemibold,
    borderBottom: `2px solid ${tokens.colorCompoundBrandStroke}`,
  },
  buttons: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalM },
});

/** Each time some requests go out for each cluster and vault: where those are many, only when asked, and after a change. */
const lookEveryMs = 5_000;
const firstKind = kinds[0] as ThingKind;

interface Seen extends ListedThings {
  readonly kind: ThingKind;
  readonly base: BaseLists;
}

export default function Administration() {
  const [wanted] = useRoute().rest;
  const kind = wanted === undefined ? firstKind : kinds.find(({ id }) => id === wanted);
  if (kind !== undefined) return <Listed kind={kind} />;
  return (
    <>
      <Title2 as="h1" block>
        Administration
      </Title2>
      <KindLinks />
      <Text>There is no kind &apos;{wanted}&apos;.</Text>
    </>
  );
}

/** @param current the one that is shown */
function KindLinks({ current }: { readonly current?: ThingKind }) {
  const styles = useStyles();
  return (
    <nav aria-label="Kinds of things" className={styles.kinds}>
      {kinds.map(({ id, title }) => (
        <Link
          key={id}
          href={linkTo('administration', [id])}
          className={mergeClasses(id === current?.id && styles.current)}
          aria-current={id === current?.id ? 'page' : undefined}
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}

function Listed({ kind }: { readonly kind: ThingKind }) {
  const [manyThere, setManyThere] = useState(false);
  const ask = useCallback(
    async (signal: AbortSignal): Promise<Seen> => {
      const base = await listBase(signal);
      const listed = await kind.list(base, signal);
      setManyThere(areMany([...base.clusters, ...base.vaults]));
      return { kind, base, ...listed, problems: [...base.problems, ...listed.problems] };
    },
    [kind],
  );
  return (
    <PageFrame
      title="Administration"
      looking="Looking around"
      ask={ask}
      {...(manyThere ? {} : { everyMs: lookEveryMs })}
    >
      {(seen, again) => (
        <>
          <KindLinks current={kind} />
          {seen.kind === kind ? (
            <Things key={kind.id} seen={seen} again={again} asksAgain={manyThere} />
          ) : (
            <Card title={kind.title}>
              <Spinner label="Looking around" />
            </Card>
          )}
        </>
      )}
    </PageFrame>
  );
}

const nothing: Thing = { id: '', name: '', cells: [], resource: {} };

interface ThingsProps {
  readonly seen: Seen;
  readonly again: () => void;
  /** It is not asked again by itself. */
  readonly asksAgain: boolean;
}

/** The list of one kind, and the form that is open. */
function Things({ seen, again, asksAgain }: ThingsProps) {
  const styles = useStyles();
  const { kind, base, things, problems, roles = [] } = seen;
  const [opened, setOpened] = useState<Opened>();
  const [said, setSaid] = useState('');
  const open = (form: Form, thing: Thing): void => {
    setSaid('');
    setOpened({ form, thing });
  };
  return (
    <>
      {opened !== undefined && (
        <FormCard
          key={`${opened.form.id} ${opened.thing.id}`}
          {...opened}
          base={{ ...base, roles }}
          close={() => setOpened(undefined)}
          done={(what) => {
            setOpened(undefined);
            setSaid(`Done: ${what}`);
            again();
          }}
        />
      )}
      <Card title={kind.title}>
        <div role="status">{said}</div>
        {problems.map(({ what, failure }) => (
          <section key={what} aria-label={what}>
            <Text>{what}</Text>
            <FailureBar failure={failure} />
          </section>
        ))}
        <div className={styles.buttons}>
          {kind.makes.map((form) => (
            <Button key={form.id} onClick={() => open(form, nothing)}>
              {form.title} …
            </Button>
          ))}
          {asksAgain && <Button onClick={again}>Look again</Button>}
        </div>
        <ThingTable kind={kind} things={things} open={open} />
      </Card>
    </>
  );
}

import {
  Button,
  FluentProvider,
  Link,
  makeStyles,
  mergeClasses,
  Spinner,
  Text,
  Title2,
  tokens,
  webDarkTheme,
  webLightTheme,
} from '@fluentui/react-components';
import { WeatherMoonRegular, WeatherSunnyRegular } from '@fluentui/react-icons';
import { lazy, Suspense, useEffect, useState } from 'react';
import { onConnection } from '../api/request.ts';
import { endSession, pageToken, takeOpenLink } from '../api/session.ts';
import { chooseScheme, useScheme } from './color-scheme.ts';
import { FailureBoundary } from './failure-boundary.tsx';
import { pages } from './pages.ts';
import { linkTo, useRoute } from './route.ts';
import { SignedOut } from './signed-out.tsx';

const useStyles = makeStyles({
  frame: {
    display: 'grid',
    gridTemplateColumns: '200px minmax(0, 1fr)',
    gridTemplateRows: 'auto minmax(0, 1fr)',
    minHeight: '100vh',
    backgroundColor: tokens.colorNeutralBackground2,
    '@media (max-width: 700px)': { gridTemplateColumns: 'minmax(0, 1fr)', gridTemplateRows: 'auto auto 1fr' },
  },
  /** One row of the grid, whatever is told in it: another one would take the height of the page. */
  top: { gridColumn: '1 / -1' },
  header: {
    display: 'flex',
    alignItems: 'center',
    gap: tokens.spacingHorizontalM,
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalL}`,
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  brand: { flexGrow: 1 },
  nav: {
    padding: tokens.spacingVerticalM,
    '& ul': { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '2px' },
    '@media (max-width: 700px)': {
      padding: tokens.spacingVerticalXS,
      '& ul': { flexDirection: 'row', flexWrap: 'wrap' },
    },
  },
  link: {
    display: 'block',
    padding: `${tokens.spacingVerticalSNudge} ${tokens.spacingHorizontalM}`,
    borderRadius: tokens.borderRadiusMedium,
    color: tokens.colorNeutralForeground1,
    textDecorationLine: 'none',
    ':hover': { backgroundColor: tokens.colorNeutralBackground2Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  current: { backgroundColor: tokens.colorNeutralBackground2Pressed, fontWeight: tokens.fontWeightSemibold },
  main: {
    padding: tokens.spacingHorizontalL,
    minWidth: 0,
    '@media (max-width: 700px)': { padding: tokens.spacingHorizontalM },
  },
  gone: {
    padding: tokens.spacingHorizontalS,
    textAlign: 'center',
    backgroundColor: tokens.colorStatusDangerBackground1,
    color: tokens.colorStatusDangerForeground1,
  },
});

const loaded = new Map(pages.map((page) => [page.id, { ...page, Content: lazy(page.load) }]));

/** @param refusedFirst why the link that led here was not taken */
export function App({ refused: refusedFirst }: { readonly refused: string | undefined }) {
  const styles = useStyles();
  const scheme = useScheme();
  const route = useRoute();
  const [signedIn, setSignedIn] = useState(pageToken() !== undefined);
  const [refused, setRefused] = useState(refusedFirst);
  const [gone, setGone] = useState(false);
  useEffect(() => {
    /** A link that is opened where the page is already changes its address alone. */
    const take = (): void => {
      if (!location.hash.startsWith('#open=')) return;
      takeOpenLink().then(
        (reason) => {
          setRefused(reason);
          if (reason === undefined) setSignedIn(true);
          dispatchEvent(new HashChangeEvent('hashchange')); // it is another address now
        },
        (error: unknown) => setRefused(String(error)),
      );
    };
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);
  useEffect(
    () =>
      onConnection((state) => {
        setGone(state === 'gone');
        if (state === 'signedOut') setSignedIn(false);
      }),
    [],
  );
  const shown = loaded.get(route.page);
  useEffect(() => {
    document.title = shown === undefined ? 'Kustody' : `${shown.title} · Kustody`;
  }, [shown]);
  return (
    <FluentProvider theme={scheme === 'dark' ? webDarkTheme : webLightTheme}>
      <div className={styles.frame}>
        <div className={styles.top}>
          <header className={styles.header}>
            <Text size={500} weight="semibold" className={styles.brand}>
              Kustody
            </Text>
            {signedIn && (
              <Button appearance="subtle" onClick={() => void endSession().finally(() => setSignedIn(false))}>
                End session
              </Button>
            )}
            <Button
              appearance="subtle"
              icon={scheme === 'dark' ? <WeatherSunnyRegular /> : <WeatherMoonRegular />}
              aria-label={scheme === 'dark' ? 'Use light colors' : 'Use dark colors'}
              onClick={() => chooseScheme(scheme === 'dark' ? 'light' : 'dark')}
            />
          </header>
          {gone && (
            <div role="alert" className={styles.gone}>
              Kustody does not answer. Does it still run?
            </div>
          )}
        </div>
        {signedIn ? (
          <>
            <nav aria-label="Pages" className={styles.nav}>
              <ul>
                {pages.map(({ id, title }) => (
                  <li key={id}>
                    <a
                      href={linkTo(id)}
                      className={mergeClasses(styles.link, id === route.page && styles.current)}
                      aria-current={id === route.page ? 'page' : undefined}
                    >
                      {title}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
            <main className={styles.main}>
              <FailureBoundary key={route.page}>
                <Suspense fallback={<Spinner label="Loading" />}>
                  {shown === undefined ? (
                    <>
                      <Title2 as="h1" block>
                        There is no such page
                      </Title2>
                      <Text as="p">
                        <Link href={linkTo('')} inline>
                          Overview
                        </Link>{' '}
                        is where to begin.
                      </Text>
                    </>
                  ) : (
                    <shown.Content />
                  )}
                </Suspense>
              </FailureBoundary>
            </main>
          </>
        ) : (
          <main className={styles.main}>
            <SignedOut refused={refused} />
          </main>
        )}
      </div>
    </FluentProvider>
  );
}

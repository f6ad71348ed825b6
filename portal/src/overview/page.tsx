import {
  Badge,
  Button,
  Link,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Subtitle1,
  Text,
  tokens,
} from '@fluentui/react-components';
import { clearFaults, listFaults, listVaults, status } from '../api/control.ts';
import type { Cluster } from '../api/control.ts';
import { chainOf } from '../custody/chain.ts';
import { ChainPicture } from '../custody/chain-picture.tsx';
import { Card } from '../shell/card.tsx';
import { FoundClusters, lookAtClusters } from '../shell/found-clusters.tsx';
import { lookEveryMs, PageFrame } from '../shell/page-frame.tsx';
import { linkTo } from '../shell/route.ts';
import { ClockCard } from './clock-card.tsx';
import { nextSteps } from './next-steps.ts';

const useStyles = makeStyles({
  cluster: { display: 'flex', flexWrap: 'wrap', gap: tokens.spacingHorizontalS, alignItems: 'center' },
  columns: {
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 320px), 1fr))',
    columnGap: tokens.spacingHorizontalM,
  },
  steps: { margin: 0, paddingLeft: tokens.spacingHorizontalXL, '& li': { marginBottom: tokens.spacingVerticalS } },
  code: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: 'anywhere', display: 'block' },
  broken: { overflowWrap: 'anywhere' },
  plain: { margin: 0, paddingLeft: tokens.spacingHorizontalXL },
});

async function lookAround() {
  const [seen, clusters, vaults, faults] = await Promise.all([status(), lookAtClusters(), listVaults(), listFaults()]);
  return { seen, clusters, vaults, faults };
}

export default function Overview() {
  const styles = useStyles();
  return (
    <PageFrame title="Overview" looking="Looking around" ask={lookAround} everyMs={lookEveryMs}>
      {(value, again) => (
        <>
          <Card title="Custody">
            {value.clusters.length === 0 && <Text>There is no cluster.</Text>}
            <FoundClusters clusters={value.clusters}>
              {(shown) =>
                shown.map((cluster) => (
                  <section key={cluster.clusterId} aria-label={`Cluster ${cluster.name}`}>
                    <div className={styles.cluster}>
                      <Subtitle1 as="h3">{cluster.name}</Subtitle1>
                      <StateBadge cluster={cluster} />
                    </div>
                    {cluster.suspension !== undefined && (
                      <MessageBar intent="error" layout="multiline">
                        <MessageBarBody className={styles.broken}>{cluster.suspension.reason}</MessageBarBody>
                      </MessageBar>
                    )}
                    {cluster.warning !== undefined && (
                      <MessageBar intent="warning" layout="multiline">
                        <MessageBarBody className={styles.broken}>{cluster.warning}</MessageBarBody>
                      </MessageBar>
                    )}
                    <ChainPicture cluster={cluster.name} nodes={chainOf(cluster, value.vaults, value.seen.clock.now)} />
                  </section>
                ))
              }
            </FoundClusters>
          </Card>
          <div className={styles.columns}>
            <Card title="Next steps">
              <ol className={styles.steps}>
                {nextSteps(value.clusters, value.seen.clock).map(({ text, command, page, cluster }) => (
                  <li key={text}>
                    {page === undefined ? (
                      text
                    ) : (
                      <Link href={linkTo(page, cluster === undefined ? [] : [cluster])} inline>
                        {text}
                      </Link>
                    )}
                    {command !== undefined && <code className={styles.code}>{command}</code>}
                  </li>
                ))}
              </ol>
            </Card>
            <ClockCard clock={value.seen.clock} changed={again} />
            <Card title="Faults">
              {value.faults.length === 0 ? (
                <Text>None is switched on.</Text>
              ) : (
                <>
                  <ul className={styles.plain}>
                    {value.faults.map((fault, index) => (
                      <li key={index}>
                        <code className={styles.code}>{JSON.stringify(fault)}</code>
                      </li>
                    ))}
                  </ul>
                  <div>
                    <Button size="small" onClick={() => void clearFaults().then(again, again)}>
                      Switch all off
                    </Button>
                  </div>
                </>
              )}
            </Card>
            <Card title="Refused hosts">
              {value.seen.refusedHosts.length === 0 ? (
                <Text>No program has asked for a host that is not served here.</Text>
              ) : (
                <ul className={styles.plain}>
                  {value.seen.refusedHosts.map(({ host, why, times }) => (
                    <li key={host}>
                      <code>{host}</code>, {times}×: {why === 'foreign' ? 'not let through' : 'does not exist'}
                    </li>
                  ))}
                </ul>
              )}
            </Card>
            <Card title="This instance">
              <ul className={styles.plain}>
                <li>
                  Kustody {value.seen.version}, process {value.seen.pid}
                </li>
                <li>
                  All hosts: <code>https://localhost:{value.seen.port}</code>
                </li>
                <li>
                  Proxy: <code>http://127.0.0.1:{value.seen.proxyPort}</code>
                </li>
                <li>
                  Cluster on localhost: <code>https://localhost:{value.seen.kustoPort}</code>
                </li>
              </ul>
            </Card>
          </div>
        </>
      )}
    </PageFrame>
  );
}

function StateBadge({ cluster: { suspension, state } }: { readonly cluster: Cluster }) {
  const isWell = suspension === undefined && state === 'Running';
  return (
    <Badge appearance="outline" color={suspension !== undefined ? 'danger' : isWell ? 'success' : 'informative'}>
      {suspension === undefined ? state : 'Suspended'}
    </Badge>
  );
}

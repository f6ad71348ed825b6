import {
  Link,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  TableCell,
  TableRow,
  Text,
  tokens,
} from '@fluentui/react-components';
import { useCallback } from 'react';
import { listVaults, newestEvents, status } from '../api/control.ts';
import type { Clock, Cluster, Vault } from '../api/control.ts';
import { chainOf, keyInUse, partsOf, versionState } from '../custody/chain.ts';
import { ChainPicture } from '../custody/chain-picture.tsx';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { FoundClusters, lookAtClusters } from '../shell/found-clusters.tsx';
import { lookEveryMs, PageFrame } from '../shell/page-frame.tsx';
import { linkTo, useRoute } from '../shell/route.ts';
import { ScrollTable, useCellStyles } from '../shell/scroll-table.tsx';
import { useAnswer } from '../shell/use-answer.ts';
import { ActionButtons } from './action-buttons.tsx';
import { actionsFor } from './actions.ts';
import { Probe } from './probe.tsx';
import { RotationCard } from './rotation-card.tsx';
import { timelineOf } from './timeline.ts';

const useStyles = makeStyles({
  clusters: {
    display: 'flex',
    flexWrap: 'wrap',
    gap: tokens.spacingHorizontalM,
    marginBottom: tokens.spacingVerticalM,
  },
  columns: {
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 420px), 1fr))',
    columnGap: tokens.spacingHorizontalM,
  },
  // 32 digits in one line.
  version: { width: '264px' },
  list: { margin: 0, paddingLeft: tokens.spacingHorizontalXL },
});

async function lookAtKeys() {
  const [clusters, vaults, { clock }] = await Promise.all([lookAtClusters(), listVaults(), status()]);
  return { clusters, vaults, clock };
}

export default function Keys() {
  const styles = useStyles();
  const [wanted] = useRoute().rest;
  const chosen = (clusters: readonly Cluster[] = []) =>
    wanted === undefined ? clusters[0] : clusters.find(({ name }) => name === wanted);
  const titleOf = (cluster: Cluster | undefined) => (cluster === undefined ? 'Keys' : `Keys of ${cluster.name}`);
  return (
    <PageFrame
      title={(value) => titleOf(chosen(value?.clusters))}
      looking="Looking at the keys"
      ask={lookAtKeys}
      everyMs={lookEveryMs}
    >
      {(value, again) => {
        const cluster = chosen(value.clusters);
        return (
          <>
            {value.clusters.length > (cluster === undefined ? 0 : 1) && (
              <FoundClusters clusters={value.clusters}>
                {(shown) => (
                  <nav aria-label="Clusters" className={styles.clusters}>
                    {withChosen(shown, cluster).map(({ name }) => (
                      <Link
                        key={name}
                        href={linkTo('keys', [name])}
                        {...(name === cluster?.name ? { 'aria-current': 'true' } : {})}
                      >
                        {name}
                      </Link>
                    ))}
                  </nav>
                )}
              </FoundClusters>
            )}
            {cluster === undefined ? (
              <Text>There is no cluster{wanted === undefined ? '' : ` '${wanted}'`}.</Text>
            ) : (
              <ClusterKeys key={cluster.clusterId} {...{ ...value, cluster, again }} />
            )}
          </>
        );
      }}
    </PageFrame>
  );
}

/** The one that is looked at is among the links, too. */
const withChosen = (shown: readonly Cluster[], chosen: Cluster | undefined): readonly Cluster[] =>
  chosen === undefined || shown.includes(chosen) ? shown : [chosen, ...shown];

interface ClusterKeysProps {
  readonly cluster: Cluster;
  readonly clusters: readonly Cluster[];
  readonly vaults: readonly Vault[];
  readonly clock: Clock;
  readonly again: () => void;
}

function ClusterKeys({ cluster, clusters, vaults, clock, again }: ClusterKeysProps) {
  const styles = useStyles();
  const cells = useCellStyles();
  const used = keyInUse(cluster, vaults);
  const { key, parts } = used;
  const { now } = clock;
  const actions = actionsFor(cluster, vaults);
  const [database] = cluster.databaseNames;
  return (
    <>
      <Card title="Custody">
        <ChainPicture cluster={cluster.name} nodes={chainOf(cluster, vaults, now)} />
        {cluster.suspension !== undefined && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody className={cells.broken}>{cluster.suspension.reason}</MessageBarBody>
          </MessageBar>
        )}
      </Card>
      <div className={styles.columns}>
        <Card title="Do">
          {actions.length === 0 ? <Text>{whyNothing(cluster)}</Text> : <ActionButtons actions={actions} done={again} />}
        </Card>
        {cluster.host !== undefined && database !== undefined && <Probe where={{ host: cluster.host, database }} />}
      </div>
      {key !== undefined && (
        <Card title={`Versions of ${key.name}`}>
          <ScrollTable
            label={`Versions of ${key.name}`}
            columns={[{ name: 'Version', className: styles.version }, 'Made', 'Ends', 'State', 'Used here']}
          >
            {key.versions.map((version) => (
              <TableRow key={version.version}>
                <TableCell className={mergeClasses(cells.mono, styles.version)}>{version.version}</TableCell>
                <TableCell>{timeText(version.createdOn)}</TableCell>
                <TableCell>{version.expiresOn === undefined ? 'never' : timeText(version.expiresOn)}</TableCell>
                <TableCell>{versionState(version, now)[1]}</TableCell>
                <TableCell>{version.version === parts.version ? 'in use' : ''}</TableCell>
              </TableRow>
            ))}
          </ScrollTable>
        </Card>
      )}
      {key !== undefined && key.purgedOn === undefined && (
        <RotationCard used={used} followsLatest={cluster.followsLatest} clock={clock} done={again} />
      )}
      <Card title="What depends on this key">
        <ul className={styles.list}>
          {firstOf(dependants(cluster, clusters)).map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </Card>
      <Timeline vault={parts.vault} resource={cluster.resourceId} />
    </>
  );
}

function Timeline({ vault, resource }: { readonly vault: string; readonly resource: string }) {
  const cells = useCellStyles();
  const ask = useCallback(
    async () => timelineOf((await Promise.all([newestEvents({ vault }, 400), newestEvents({ resource }, 100)])).flat()),
    [vault, resource],
  );
  const { value = [], failure } = useAnswer(ask, lookEveryMs);
  return (
    <Card title="Timeline">
      {failure !== undefined && <FailureBar failure={failure} />}
      <ScrollTable label="Timeline" columns={['Time', 'What', 'By whom', 'Outcome']}>
        {value.slice(0, 60).map(({ sequence, time, operation, times, who, refusal }) => (
          <TableRow key={sequence}>
            <TableCell>{timeText(time)}</TableCell>
            <TableCell className={cells.broken}>
              {operation}
              {times > 1 ? `, ${times} times` : ''}
            </TableCell>
            <TableCell className={cells.mono}>{who}</TableCell>
            <TableCell>{refusal === '' ? 'done' : `refused: ${refusal}`}</TableCell>
          </TableRow>
        ))}
      </ScrollTable>
    </Card>
  );
}

function dependants({ kid }: Cluster, clusters: readonly Cluster[]): readonly string[] {
  const { vaultHost, key } = partsOf(kid);
  const isOurs = (other: string): boolean => {
    const parts = partsOf(other);
    return parts.vaultHost === vaultHost && parts.key === key;
  };
  return clusters.flatMap(({ name, kid: other, databaseNames, databaseKeys = [], databases }) => {
    const rows = databases?.flatMap(({ tables }) => tables).length;
    const whole = isOurs(other)
      ? [
          `Cluster ${name}: ${counted(databaseNames.length, 'database')}${rows === undefined ? '' : `, ${counted(rows, 'table')}`}, with all rows`,
        ]
      : [];
    const own = databaseKeys.filter((one) => isOurs(one.kid)).map((one) => `Database ${one.name} of cluster ${name}`);
    return [...whole, ...own];
  });
}

/** As many as can be read. */
const dependantsMax = 50;

const firstOf = (texts: readonly string[]): readonly string[] =>
  texts.length <= dependantsMax
    ? texts
    : [...texts.slice(0, dependantsMax), `and ${String(texts.length - dependantsMax)} more`];

const whyNothing = ({ custody, outsideVault }: Cluster): string =>
  custody === 'microsoftManaged'
    ? 'The cluster is under a key that Microsoft manages: nobody takes that away. kustody cmk apply gives it one of yours.'
    : outsideVault
      ? 'The key is in a vault outside: whoever owns that takes it away, and gives it back.'
      : 'The version is gone: nothing brings it back.';

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const timeText = (iso: string): string => iso.slice(0, 19).replace('T', ' ');

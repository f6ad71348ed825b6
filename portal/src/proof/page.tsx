import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Spinner,
  TableCell,
  TableRow,
  Text,
  tokens,
} from '@fluentui/react-components';
import { useState } from 'react';
import { limits } from '../../../src/cli/proof/limits.ts';
import type { Cluster } from '../api/control.ts';
import { listClusters } from '../api/control.ts';
import { Card } from '../shell/card.tsx';
import { FailureBar } from '../shell/failure-bar.tsx';
import { areMany, FoundClusters, lookAtClusters } from '../shell/found-clusters.tsx';
import { lookEveryMs, PageFrame } from '../shell/page-frame.tsx';
import { ScrollTable, useCellStyles } from '../shell/scroll-table.tsx';
import { CanaryCard } from './canary-card.tsx';
import type { ChosenExtent } from './extent-view.tsx';
import { ExtentView } from './extent-view.tsx';
import { HistoryCard } from './history-card.tsx';
import { SignedCard } from './signed-card.tsx';
import { useLook } from './use-look.ts';

const useStyles = makeStyles({
  list: { margin: 0, paddingLeft: tokens.spacingHorizontalXL, '& li': { marginBottom: tokens.spacingVerticalXS } },
});

const extentsMax = 100;

export default function Proof() {
  const styles = useStyles();
  return (
    <PageFrame title="Proof" looking="Looking at the extents" ask={lookAtClusters} everyMs={lookEveryMs}>
      {(clusters) => (
        <>
          <CanaryCard />
          <Extents clusters={clusters} />
          <HistoryCard clusters={clusters} />
          <Card title="What is not proven">
            <ul className={styles.list}>
              {limits.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </Card>
          <SignedCard />
        </>
      )}
    </PageFrame>
  );
}

interface ListedExtent extends ChosenExtent {
  readonly rowCount: number;
  readonly sealedBytes: number;
  readonly dekId: string;
}

function Extents({ clusters }: { readonly clusters: readonly Cluster[] }) {
  return (
    <Card title="Extents">
      {areMany(clusters) ? <ExtentsOfMany clusters={clusters} /> : <ListedExtents clusters={clusters} />}
    </Card>
  );
}

/** What many hold is read when asked for: that wakes those at rest. */
function ExtentsOfMany({ clusters }: { readonly clusters: readonly Cluster[] }) {
  const { found: held, failure, busy, look, stop } = useLook(holdings);
  return (
    <>
      <div>
        {busy ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <Button onClick={look}>
            {held === undefined ? `List what all ${String(clusters.length)} hold` : 'List it again'}
          </Button>
        )}
      </div>
      {busy && <Spinner size="tiny" label="Looking into the clusters, and waking those at rest" />}
      {failure !== undefined && <FailureBar failure={failure} />}
      <FoundClusters clusters={clusters}>
        {(shown) => (
          <ListedExtents
            clusters={held === undefined ? shown : shown.map((one) => ({ ...held.get(one.clusterId), ...one }))}
            isRead={held !== undefined}
          />
        )}
      </FoundClusters>
    </>
  );
}

/** By the clusters' ids. */
const holdings = async (signal: AbortSignal): Promise<ReadonlyMap<string, Cluster>> =>
  new Map((await listClusters(true, signal)).map((cluster) => [cluster.clusterId, cluster]));

interface ListedExtentsProps {
  readonly clusters: readonly Cluster[];
  /** Whether it is known what they hold. */
  readonly isRead?: boolean;
}

function ListedExtents({ clusters, isRead = true }: ListedExtentsProps) {
  const cells = useCellStyles();
  const [chosen, setChosen] = useState<ChosenExtent>();
  const listed = clusters.flatMap(extentsOf);
  return (
    <>
      {clusters.map(({ name, kid, generation, suspension, notListed }) => (
        <div key={name} data-testid="custody">
          <Text block className={cells.broken}>
            {name}: every data key is wrapped by cluster key {generation}, and that by{' '}
            <span className={cells.mono} data-testid="kid">
              {kid}
            </span>
          </Text>
          {notListed !== undefined && (
            <MessageBar intent={suspension === undefined ? 'warning' : 'error'} layout="multiline">
              <MessageBarBody className={cells.broken} data-testid="not-listed">
                {notListed} {suspension === undefined ? '' : `${suspension.reason} `}
                Its bytes lie on the disk as before; which extents they are is sealed, too.
              </MessageBarBody>
            </MessageBar>
          )}
        </div>
      ))}
      {isRead && listed.length === 0 && clusters.every(({ notListed }) => notListed === undefined) && (
        <Text>There is no extent to show.</Text>
      )}
      {listed.length > 0 && (
        <ScrollTable label="Extents" columns={['Table', 'Extent', 'Data key', 'Rows', 'Sealed bytes', '']}>
          {listed.slice(0, extentsMax).map((extent) => (
            <TableRow key={extent.extentId} data-testid="listed-extent">
              <TableCell className={cells.broken}>
                {extent.cluster}/{extent.database}.{extent.table}
              </TableCell>
              <TableCell className={cells.mono}>{extent.extentId}</TableCell>
              <TableCell className={cells.mono}>{extent.dekId}</TableCell>
              <TableCell>{extent.rowCount}</TableCell>
              <TableCell>{extent.sealedBytes}</TableCell>
              <TableCell>
                <Button
                  size="small"
                  aria-label={`Show ${extent.extentId}`}
                  aria-pressed={extent.extentId === chosen?.extentId}
                  onClick={() => setChosen(extent)}
                >
                  Show
                </Button>
              </TableCell>
            </TableRow>
          ))}
        </ScrollTable>
      )}
      {listed.length > extentsMax && <Text>{listed.length - extentsMax} more are not shown.</Text>}
      {chosen !== undefined && <ExtentView key={chosen.extentId} extent={chosen} />}
    </>
  );
}

const extentsOf = ({ name, host, databases = [] }: Cluster): readonly ListedExtent[] =>
  databases.flatMap((database) =>
    database.tables.flatMap((table) =>
      table.extents.map((extent) => ({ ...extent, cluster: name, host, database: database.name, table: table.name })),
    ),
  );

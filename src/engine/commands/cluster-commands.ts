import { availableParallelism, freemem, totalmem } from 'node:os';
import type { CommandRow } from './command.ts';
import { ticksOf } from './instants.ts';

const clusterColumns =
  'NodeId: string, Address: string, Name: string, StartTime: datetime, IsAdmin: bool, MachineTotalMemory: long, MachineAvailableMemory: long, ProcessorCount: int, EnvironmentDescription: string';

/** What a process of its own can do at once. There is one machine, so nothing is shared or queued. */
const capacities = ['ingestions', 'extents-merge', 'extents-purge-rebuild', 'queries'] as const;

/** @see Kusto ".show version", ".show cluster", ".show capacity" */
export const clusterCommands: readonly CommandRow[] = [
  {
    kinds: ['ShowVersion'],
    permission: 'anyone',
    columns: 'BuildVersion: string, BuildTime: datetime, ServiceType: string, ProductVersion: string',
    run: (_command, { cluster }) => [
      [cluster.version, ticksOf(cluster.builtAt), 'Engine', `Kustody ${cluster.version}`],
    ],
  },
  {
    kinds: ['ShowCluster'],
    permission: 'clusterMonitor',
    columns: clusterColumns,
    run: (_command, { cluster }) => [
      [
        ...[
          'KEngine000000',
          cluster.uri,
          'KEngine000000',
          ticksOf(cluster.startedAt),
          true,
          BigInt(totalmem()),
          BigInt(freemem()),
        ],
        ...[
          availableParallelism(),
          JSON.stringify({ Cluster: cluster.name, Product: 'Kustody', Version: cluster.version }),
        ],
      ],
    ],
  },
  {
    kinds: ['ShowCapacity'],
    permission: 'clusterMonitor',
    columns: 'Resource: string, Total: long, Consumed: long, Remaining: long',
    run: (command) => {
      const asked = command.optional('Resource')?.toLowerCase();
      const total = BigInt(availableParallelism());
      return capacities
        .filter((resource) => asked === undefined || resource === asked)
        .map((resource) => [resource, total, 0n, total]);
    },
  },
];

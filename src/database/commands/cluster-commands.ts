import { availableParallelism, freemem, totalmem } from 'node:os';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import type { Command, CommandRow } from './command.ts';
import { ticksOf } from './instants.ts';
import { isAllowed, requirePermission } from './permissions.ts';
import { node } from './node.ts';

const clusterColumns =
  'NodeId: string, Address: string, Name: string, StartTime: datetime, IsAdmin: bool, MachineTotalMemory: long, MachineAvailableMemory: long, ProcessorCount: int, EnvironmentDescription: string';

function scopeOf(command: Command): 'cluster' | 'workloadgroup' {
  // A part of its own to the parser where the value is one that it knows.
  const given = command.optional('Scope') ?? command.properties(['scope']).scope ?? 'cluster';
  const scope = innerText(given).toLowerCase();
  if (scope !== 'cluster' && scope !== 'workloadgroup')
    throw new KqlError('semantic', "The property 'scope' is cluster or workloadgroup.");
  return scope;
}

/** @see Kusto ".show version", ".show cluster", ".show capacity" */
export const clusterCommands: readonly CommandRow[] = [
  {
    kinds: { ShowVersion: ['.show version', 'show version'] },
    parsed: true,
    endpoint: 'both',
    permission: 'anyone',
    columns: 'BuildVersion: string, BuildTime: datetime, ServiceType: string, ProductVersion: string',
    run: (_command, { cluster, endpoint }) => [
      [
        cluster.version,
        ticksOf(cluster.builtAt),
        endpoint === 'ingestion' ? 'DataManagement' : 'Engine',
        `Kustody ${cluster.version}`,
      ],
    ],
  },
  {
    kinds: { ShowCluster: '.show cluster' },
    permission: 'clusterMonitor',
    columns: clusterColumns,
    run: (_command, { cluster }) => [
      [
        ...[node, cluster.uri, node, ticksOf(cluster.startedAt), true, BigInt(totalmem()), BigInt(freemem())],
        ...[
          availableParallelism(),
          JSON.stringify({ Cluster: cluster.name, Product: 'Kustody', Version: cluster.version }),
        ],
      ],
    ],
  },
  {
    kinds: { ShowCapacity: ['.show capacity', 'show capacity'] },
    parsed: true,
    permission: 'anyone',
    columns: 'Resource: string, Total: long, Consumed: long, Remaining: long, Origin: string',
    run: (command, context) => {
      const { requests, database } = context;
      if (!isAllowed(context, 'clusterMonitor', database)) requirePermission(context, 'create', database, command.kind);
      if (requests.capacity === undefined)
        throw new KqlError('notSupported', 'The capacity of this cluster is not counted.');
      const asked = command.optional('Resource')?.toLowerCase();
      return requests
        .capacity(scopeOf(command))
        .filter(({ resource }) => asked === undefined || resource === asked)
        .map(({ resource, total, consumed, origin }) => [
          ...[resource, BigInt(total), BigInt(consumed)],
          ...[BigInt(Math.max(0, total - consumed)), origin],
        ]);
    },
  },
];

import type { GraphModelView, GraphPart, GraphSnapshotView } from '../catalog/graph-model.ts';
import { stepKindsOf } from '../catalog/graph-models.ts';
import { ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { modelOf, modelsOf, snapshotOf } from './graph-commands.ts';
import { ticksOf } from './instants.ts';

const statisticsColumns =
  'DatabaseName: string, Name: string, SnapshotTime: datetime, ModelName: string, ModelId: guid, TotalCpu: timespan, MemoryPeak: long, Duration: timespan, Details: string, NodesCount: long, EdgesCount: long, NodesSize: long, EdgesSize: long';
const dataColumns =
  'DatabaseName: string, GraphModelName: string, SnapshotName: string, EntityKind: string, TotalExtentSize: long, OriginalSize: long, DataCompressedSize: long, IndexSize: long, CompressionRatio: real, TotalElementCount: long';
const failureColumns =
  'OperationId: guid, DatabaseName: string, Name: string, SnapshotTime: datetime, ModelName: string, ModelId: guid, TotalCpu: timespan, MemoryPeak: long, Duration: timespan, Details: string, FailureReason: string, FailureKind: string';

const lasting = (from: number, until: number): bigint =>
  BigInt(Math.max(0, Math.round(until - from))) * ticksPerMillisecond;

type RowsOf = (model: GraphModelView, snapshot: GraphSnapshotView, context: CommandContext) => readonly Row[];

/** All steps are done at once, so what each of them took is not known; processor time and memory are not measured. */
function detailsOf({ versions }: GraphModelView, { versionId }: GraphSnapshotView): string {
  const text = versions.find((version) => version.versionId === versionId)?.model;
  const kinds = text === undefined ? [] : stepKindsOf(text);
  const steps = kinds.map((kind, index) => ({ Kind: kind, StepNumber: index, Status: 'Completed' }));
  return JSON.stringify({ Steps: steps, Seal: { Status: 'Completed' } });
}

const statisticsRows: RowsOf = (model, snapshot, { data, database }) => {
  const { createdOn, startedOn, nodes, edges } = snapshot;
  const size = (part: GraphPart): bigint => BigInt(data.graphPartBytes(part).atRest);
  return [
    [
      ...[database, snapshot.name, ticksOf(createdOn), model.name, snapshot.versionId, null, null],
      ...[startedOn === undefined ? null : lasting(startedOn, createdOn), detailsOf(model, snapshot)],
      ...[BigInt(nodes.rowCount), BigInt(edges.rowCount), size(nodes), size(edges)],
    ],
  ];
};

/** A graph's structure is not stored: queries make it of nodes and edges. */
const dataRows: RowsOf = (model, snapshot, { data, database }) =>
  (['Nodes', 'Edges'] as const).map((kind) => {
    const part = kind === 'Nodes' ? snapshot.nodes : snapshot.edges;
    const { original, atRest } = data.graphPartBytes(part);
    return [
      ...[database, model.name, snapshot.name, kind, BigInt(atRest), BigInt(original), BigInt(atRest), 0n],
      ...[atRest === 0 ? 0 : original / atRest, BigInt(part.rowCount)],
    ];
  });

const ofOne =
  (rowsOf: RowsOf) =>
  (command: Command, context: CommandContext): readonly Row[] => {
    const model = modelOf(command, context);
    return rowsOf(model, snapshotOf(model, command), context);
  };

const ofAll =
  (rowsOf: RowsOf) =>
  (command: Command, context: CommandContext): readonly Row[] =>
    modelsOf(command, context).flatMap((model) =>
      model.snapshots.flatMap((snapshot) => rowsOf(model, snapshot, context)),
    );

function failures(command: Command, context: CommandContext): readonly Row[] {
  const { data, database } = context;
  const names = new Set(modelsOf(command, context).map(({ name }) => name));
  return data.operations().flatMap((one): Row[] => {
    const { snapshot, state } = one;
    const isFailed = state === 'Failed' || state === 'Abandoned';
    if (snapshot === undefined || one.database !== database || !isFailed || !names.has(snapshot.model)) return [];
    return [
      [
        ...[one.operationId, database, snapshot.name, ticksOf(one.startedOn), snapshot.model, snapshot.versionId],
        ...[null, null, lasting(one.startedOn, one.lastUpdatedOn), JSON.stringify({ Steps: [] }), one.status],
        state === 'Abandoned' ? 'Transient' : 'Permanent',
      ],
    ];
  });
}

/** @see Kusto ".show graph_snapshots statistics", ".show graph_snapshots data statistics", ".show graph_snapshots failures" */
export const graphStatisticsCommands: readonly CommandRow[] = [
  {
    kinds: {
      GraphSnapshotShowStatistics: [
        '.show graph_snapshot G.S statistics',
        'show graph_snapshot {GraphModelName} . {SnapshotName} statistics',
      ],
    },
    permission: 'metadata',
    columns: statisticsColumns,
    run: ofOne(statisticsRows),
  },
  {
    kinds: {
      GraphSnapshotsShowStatistics: [
        '.show graph_snapshots G statistics',
        'show graph_snapshots {GraphModelName} statistics',
      ],
    },
    permission: 'metadata',
    columns: statisticsColumns,
    run: ofAll(statisticsRows),
  },
  {
    kinds: {
      GraphSnapshotShowDataStatistics: [
        '.show graph_snapshot G.S data statistics',
        'show graph_snapshot {GraphModelName} . {SnapshotName} data statistics',
      ],
    },
    permission: 'metadata',
    columns: dataColumns,
    run: ofOne(dataRows),
  },
  {
    kinds: {
      GraphSnapshotsShowDataStatistics: [
        '.show graph_snapshots G data statistics',
        'show graph_snapshots {GraphModelName} data statistics',
      ],
    },
    permission: 'metadata',
    columns: dataColumns,
    run: ofAll(dataRows),
  },
  {
    kinds: {
      GraphSnapshotShowFailures: ['.show graph_snapshots G failures', 'show graph_snapshots {GraphModelName} failures'],
    },
    permission: 'metadata',
    columns: failureColumns,
    run: failures,
  },
];

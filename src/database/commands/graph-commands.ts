import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { invariant } from '../../base/invariant.ts';
import { dataError } from '../catalog/data-error.ts';
import type { GraphModelVersion, GraphModelView, GraphSnapshotView } from '../catalog/graph-model.ts';
import type { MakeSnapshotRequest } from '../catalog/graph-models.ts';
import { stepsOfModel } from '../catalog/graph-models.ts';
import { guardOf, readEntities } from '../catalog/read-policies.ts';
import { fixedProgram } from '../../kql/open-schemas.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { isExternal } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { tablesOf } from '../../kql/plan/walk.ts';
import { hidingTexts } from '../../kql/values/obfuscated.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { operationIdColumns, operationOf, runRecorded, startRecorded } from './operation-record.ts';
import { queryRequest, requireReadable } from './query-request.ts';
import { readableCatalog } from './readable-catalog.ts';

const versionColumns = 'Name: string, CreationTime: datetime, Id: guid';
const modelColumns = `${versionColumns}, SnapshotCount: long, Model: string, RetentionPolicy: string, CachingPolicy: string`;
const snapshotColumns =
  'Name: string, SnapshotTime: datetime, ModelName: string, ModelId: guid, ModelCreationTime: datetime';
const snapshotDetailColumns = `${snapshotColumns}, NodesCount: long, EdgesCount: long, RetentionPolicy: string, CachingPolicy: string`;

/** Snapshots are kept until they are dropped. */
const policies = [JSON.stringify({ SoftDeletePeriod: '365000.00:00:00' }), 'null'] as const;

const versionRow = ({ name }: GraphModelView, { createdOn, versionId }: GraphModelVersion): Row => [
  ...[name, ticksOf(createdOn), versionId],
];

/** As it was written, but for what its queries hide. */
export const shownModel = (model: string): string => {
  const value: unknown = JSON.parse(model);
  const shown = JSON.stringify(value, hidingTexts);
  return shown === JSON.stringify(value) ? model : shown;
};

const modelRow = (model: GraphModelView, version: GraphModelVersion): Row => [
  ...versionRow(model, version),
  ...[BigInt(model.snapshots.length), shownModel(version.model), ...policies],
];

const snapshotRow = (model: string, snapshot: GraphSnapshotView): Row => [
  ...[snapshot.name, ticksOf(snapshot.createdOn), model, snapshot.versionId, ticksOf(snapshot.versionCreatedOn)],
];

const snapshotDetailRow = (model: string, snapshot: GraphSnapshotView): Row => [
  ...snapshotRow(model, snapshot),
  ...[BigInt(snapshot.nodes.rowCount), BigInt(snapshot.edges.rowCount), ...policies],
];

export function modelOf(command: Command, { data, database }: CommandContext): GraphModelView {
  const name = command.required('GraphModelName');
  const found = data.graphModels(database).find((model) => model.name === name);
  if (found === undefined) throw dataError('GraphModelNotFound', name.slice(0, 200));
  return found;
}

export function snapshotOf(model: GraphModelView, command: Command): GraphSnapshotView {
  const name = command.required('SnapshotName');
  const found = model.snapshots.find((snapshot) => snapshot.name === name);
  if (found === undefined) throw dataError('GraphSnapshotNotFound', name.slice(0, 200));
  return found;
}

const newest = ({ versions }: GraphModelView): readonly GraphModelVersion[] => versions.slice(-1);

/** The queries of a model are compiled before it is kept: with the model in the catalog, as they will be later. */
async function put(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database, engine } = context;
  const name = command.required('GraphModelName');
  const text = command.required('Model');
  const candidate = { name, ...stepsOfModel(text), snapshots: [] };
  const catalog = readableCatalog(context);
  const planned: KqlCatalog = {
    ...catalog,
    version: `${catalog.version} ${newGuid(context.randomBytes)}`,
    databases: catalog.databases.map((entry) =>
      entry.name === database
        ? { ...entry, graphs: [...(entry.graphs ?? []).filter((graph) => graph.name !== name), candidate] }
        : entry,
    ),
  };
  await engine.compileGraph(name, database, planned);
  const model = await data.putGraphModel(database, name, text);
  return newest(model).map((one) => modelRow(model, one));
}

function showModel(command: Command, context: CommandContext): readonly Row[] {
  const model = modelOf(command, context);
  const { id } = command.properties(['id']);
  const shown =
    id === undefined ? newest(model) : model.versions.filter(({ versionId }) => id === '*' || versionId === id);
  return shown.map((version) => (command.has('details') ? modelRow(model, version) : versionRow(model, version)));
}

function showModels(command: Command, { data, database }: CommandContext): readonly Row[] {
  const { showAll } = command.properties(['showAll']);
  return data
    .graphModels(database)
    .flatMap((model) =>
      (showAll?.toLowerCase() === 'true' ? model.versions : newest(model)).map((version) =>
        command.has('details') ? modelRow(model, version) : versionRow(model, version),
      ),
    );
}

async function make(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const model = modelOf(command, context);
  const snapshot = {
    model: model.name,
    versionId: versionOf(model).versionId,
    name: command.required('SnapshotName').slice(0, 1024),
  };
  const operation = { ...operationOf(context, command.kind), snapshot };
  if (!command.has('async')) return [await runRecorded(context, operation, () => makeSnapshot(command, context))];
  // Work that goes on after the answer does not end with the request.
  const detached = { ...context, signal: undefined };
  return startRecorded(context, operation, () => makeSnapshot(command, detached));
}

function versionOf(model: GraphModelView): GraphModelVersion {
  const [version] = newest(model);
  invariant(version, 'a graph model has a version');
  return version;
}

async function makeSnapshot(command: Command, context: CommandContext): Promise<Row> {
  const { data, database, engine } = context;
  const model = modelOf(command, context);
  const version = versionOf(model);
  const startedOn = context.clock.now();
  const request = queryRequest(context, command.text);
  const program = await engine.compileGraph(model.name, database, request.catalog);
  requireReadable(context, program, command.kind);
  const guard = guardOfRows(program, context);
  const [nodes, edges] = await engine.prepareRows(fixedProgram(program), request);
  try {
    invariant(edges, 'a graph has nodes and edges');
    const snapshot = await data.makeGraphSnapshot({
      database,
      model: model.name,
      name: command.required('SnapshotName'),
      versionId: version.versionId,
      startedOn,
      ...guard,
      nodes: { kind: 'statement', statement: nodes },
      edges: { kind: 'statement', statement: edges },
    });
    return snapshotDetailRow(model.name, snapshot);
  } finally {
    nodes.close();
  }
}

/** Whoever reads a snapshot reads what its maker could.
 * @throws KqlError for rows that are not the same for everybody, and for guarded ones of another database, whose policies are not known here */
function guardOfRows(
  program: Program,
  { data, database }: CommandContext,
): Pick<MakeSnapshotRequest, 'reads' | 'isRestricted'> {
  const reads = new Set<Guid>();
  let isRestricted = false;
  for (const read of tablesOf(program).filter(({ table }) => !isExternal(table))) {
    const names = data.database(read.database);
    const guard = guardOf(names, read.table);
    isRestricted ||= guard !== undefined;
    if (guard !== undefined && (guard.policy === 'row level security' || read.database !== database))
      throw new KqlError(
        'notSupported',
        `A graph snapshot of '${guard.name.slice(0, 200)}' of the database '${read.database}', which has a ${guard.policy} policy, is not built: others would read in it what its maker may. The graph without a snapshot, graph(model, true), shows each their own.`,
      );
    if (read.database === database) for (const { tableId } of readEntities(names, read.table)) reads.add(tableId);
  }
  return { reads: [...reads], isRestricted };
}

/** The one that a command names, or all of them. */
export const modelsOf = (command: Command, context: CommandContext): readonly GraphModelView[] =>
  command.required('GraphModelName') === '*' ? context.data.graphModels(context.database) : [modelOf(command, context)];

function showSnapshots(command: Command, context: CommandContext): readonly Row[] {
  const models = modelsOf(command, context);
  const row = command.has('details') ? snapshotDetailRow : snapshotRow;
  return models
    .flatMap((model) => model.snapshots.map((snapshot) => ({ model: model.name, snapshot })))
    .sort((left, right) => (left.snapshot.name < right.snapshot.name ? -1 : 1))
    .map(({ model, snapshot }) => row(model, snapshot));
}

/** @see Kusto "Graph models overview", "Graph snapshots overview" */
export const graphCommands: readonly CommandRow[] = [
  {
    kinds: {
      GraphModelCreateOrAlter: [
        '.create-or-alter graph_model G ```{"Schema": {}, "Definition": {"Steps": []}}```',
        'create-or-alter graph_model {GraphModelName} {Model}',
      ],
    },
    permission: 'create',
    columns: modelColumns,
    run: put,
  },
  {
    kinds: {
      GraphModelShow: [
        '.show graph_model G',
        'show graph_model {GraphModelName} with',
        'show graph_model {GraphModelName} details with',
      ],
    },
    permission: 'metadata',
    columns: (command) => (command.has('details') ? modelColumns : versionColumns),
    run: showModel,
  },
  {
    kinds: {
      GraphModelsShow: [
        '.show graph_models',
        'show graph_models with',
        'show graph_models details with',
        'show graph_models with details',
      ],
    },
    permission: 'metadata',
    columns: (command) => (command.has('details') ? modelColumns : versionColumns),
    run: showModels,
  },
  {
    kinds: { GraphModelDrop: ['.drop graph_model G', 'drop graph_model {GraphModelName}'] },
    permission: 'graphModelAdmin',
    columns: versionColumns,
    run: async (command, context) => {
      const model = modelOf(command, context);
      await context.data.dropGraphModel(context.database, model.name);
      return newest(model).map((version) => versionRow(model, version));
    },
  },
  {
    kinds: {
      GraphSnapshotMake: [
        '.make graph_snapshot S from G',
        'make graph_snapshot {SnapshotName} from {GraphModelName}',
        'make async graph_snapshot {SnapshotName} from {GraphModelName}',
      ],
    },
    permission: 'graphModelAdmin',
    columns: (command) => (command.has('async') ? operationIdColumns : snapshotDetailColumns),
    run: make,
  },
  {
    kinds: {
      GraphSnapshotShow: [
        '.show graph_snapshot G.S',
        'show graph_snapshot {GraphModelName} . {SnapshotName}',
        'show graph_snapshot {GraphModelName} . {SnapshotName} details',
      ],
    },
    permission: 'metadata',
    columns: (command) => (command.has('details') ? snapshotDetailColumns : snapshotColumns),
    run: (command, context) => {
      const model = modelOf(command, context);
      const row = command.has('details') ? snapshotDetailRow : snapshotRow;
      return [row(model.name, snapshotOf(model, command))];
    },
  },
  {
    kinds: {
      GraphSnapshotsShow: [
        '.show graph_snapshots G',
        'show graph_snapshots {GraphModelName}',
        'show graph_snapshots {GraphModelName} details',
      ],
    },
    permission: 'metadata',
    columns: (command) => (command.has('details') ? snapshotDetailColumns : snapshotColumns),
    run: showSnapshots,
  },
  {
    kinds: { GraphSnapshotDrop: ['.drop graph_snapshot G.S', 'drop graph_snapshot {GraphModelName} . {SnapshotName}'] },
    permission: 'graphModelAdmin',
    columns: snapshotColumns,
    run: async (command, context) => {
      const model = modelOf(command, context);
      const snapshot = snapshotOf(model, command);
      await context.data.dropGraphSnapshots(context.database, model.name, [snapshot.name]);
      return [snapshotRow(model.name, snapshot)];
    },
  },
  {
    kinds: { GraphSnapshotsDrop: ['.drop graph_snapshots G', 'drop graph_snapshots {GraphModelName}'] },
    permission: 'graphModelAdmin',
    columns: snapshotColumns,
    run: async (command, context) => {
      const { name, snapshots } = modelOf(command, context);
      const names = snapshots.map((snapshot) => snapshot.name);
      await context.data.dropGraphSnapshots(context.database, name, names);
      return snapshots.map((snapshot) => snapshotRow(name, snapshot));
    },
  },
];

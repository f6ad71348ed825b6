import type { Guid } from '../../base/guid.ts';
import type { CatalogGraph, CatalogGraphStep } from '../../kql/plan/catalog.ts';
import { isKqlType } from '../../kql/plan/types.ts';
import type { Instant } from '../../clock/clock.ts';
import type { AppendRows } from './append-rows.ts';
import { dataError } from './data-error.ts';
import { requireEntityName } from './entity-name.ts';
import type { GraphModelVersion, GraphModelView, GraphPart, GraphSnapshotView } from './graph-model.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { CatalogReader } from './image.ts';
import { databaseOf } from './image.ts';

export interface MakeSnapshotRequest {
  readonly database: string;
  readonly model: string;
  readonly name: string;
  /** The version of the model that the rows were made by. */
  readonly versionId: Guid;
  readonly startedOn: Instant;
  readonly nodes: AppendRows;
  readonly edges: AppendRows;
  readonly reads: readonly Guid[];
  readonly isRestricted: boolean;
}

export interface GraphModels {
  /** By name. @throws DataError `DatabaseNotFound` */
  graphModels(database: string): readonly GraphModelView[];
  /** Creates the model or gives it a new version. The caller has checked that its queries mean something. @throws DataError */
  putGraphModel(database: string, name: string, model: string): Promise<GraphModelView>;
  /** With its snapshots. @throws DataError `GraphModelNotFound` */
  dropGraphModel(database: string, name: string): Promise<void>;
  /** Nodes and edges in one commit. @throws DataError */
  makeGraphSnapshot(request: MakeSnapshotRequest): Promise<GraphSnapshotView>;
  /** What the rows of a part take: as they came, and at rest. */
  graphPartBytes(part: GraphPart): { readonly original: number; readonly atRest: number };
  dropGraphSnapshots(database: string, model: string, names: readonly string[]): Promise<void>;
}

const modelMax = 1024 * 1024;
/** Versions of a model that are remembered. */
const versionsMax = 100;
const stepsMax = 256;

/** @throws DataError `GraphModelNotFound` */
export function requireGraphModel(reader: Pick<CatalogReader, 'get'>, databaseId: Guid, name: string): GraphModelView {
  const found = databaseOf(reader, databaseId).graphModels?.find((model) => model.name === name);
  if (found === undefined) throw dataError('GraphModelNotFound', name.slice(0, 200));
  return found;
}

export function putGraphModel(
  draft: CatalogDraft,
  databaseId: Guid,
  name: string,
  version: GraphModelVersion,
): GraphModelView {
  requireEntityName(name);
  stepsOfModel(version.model);
  const existing = databaseOf(draft, databaseId).graphModels?.find((model) => model.name === name);
  const next: GraphModelView = {
    ...existing,
    name,
    versions: [...(existing?.versions ?? []), version].slice(-versionsMax),
    snapshots: existing?.snapshots ?? [],
  };
  saveGraphModel(draft, databaseId, name, next);
  return next;
}

/** @param next undefined: it is dropped */
export function saveGraphModel(
  draft: CatalogDraft,
  databaseId: Guid,
  name: string,
  next: GraphModelView | undefined,
): void {
  const database = databaseOf(draft, databaseId);
  const others = (database.graphModels ?? []).filter((model) => model.name !== name);
  const graphModels = [...others, ...(next === undefined ? [] : [next])];
  graphModels.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  draft.put({ ...database, graphModels, schemaVersion: database.schemaVersion + 1 });
}

/** For the parser. */
export function catalogGraph({ name, versions, snapshots }: GraphModelView): CatalogGraph {
  return {
    name,
    ...stepsOfModel(versions.at(-1)?.model ?? ''),
    snapshots: snapshots
      .map(({ name: snapshot, nodes, edges }) => ({ name: snapshot, nodes: nodes.columns, edges: edges.columns }))
      .reverse(),
  };
}

/** Of a model that was checked when it was kept. @returns `AddNodes` or `AddEdges` for each step, in order */
export function stepKindsOf(text: string): readonly string[] {
  const { Definition } = JSON.parse(text) as { readonly Definition: { readonly Steps: readonly { Kind: string }[] } };
  return Definition.Steps.map(({ Kind }) => Kind);
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the JSON of a graph model.
 * @throws DataError `InvalidGraphModel` that says where it is wrong */
export function stepsOfModel(text: string): Pick<CatalogGraph, 'nodes' | 'edges'> {
  if (text.length > modelMax) throw invalid(`it is longer than ${modelMax} characters`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  const { Schema, Definition } = fields(parsed, 'the model', ['Schema', 'Definition']);
  const schema = Schema === undefined ? {} : fields(Schema, 'Schema', ['Nodes', 'Edges']);
  const labels = { AddNodes: labelsOfSchema(schema, 'Nodes'), AddEdges: labelsOfSchema(schema, 'Edges') };
  const { Steps } = fields(Definition, 'Definition', ['Steps']);
  if (!Array.isArray(Steps) || Steps.length === 0 || Steps.length > stepsMax)
    throw invalid(`Definition.Steps is not a list of 1 to ${stepsMax} steps`);
  const steps = Steps.map((step: unknown, index) => {
    const where = `Definition.Steps[${index}]`;
    const kind = isFields(step) ? step['Kind'] : undefined;
    if (kind !== 'AddNodes' && kind !== 'AddEdges') throw invalid(`${where}.Kind is neither AddNodes nor AddEdges`);
    return { kind, step: stepOf(step, where, idsOf[kind], labels[kind]) };
  });
  const ofKind = (kind: keyof typeof idsOf): CatalogGraphStep[] =>
    steps.flatMap((found) => (found.kind === kind ? [found.step] : []));
  return { nodes: ofKind('AddNodes'), edges: ofKind('AddEdges') };
}

const idsOf = { AddNodes: ['NodeIdColumn'], AddEdges: ['SourceColumn', 'TargetColumn'] } as const;

function stepOf(value: unknown, where: string, ids: readonly string[], known: ReadonlySet<string>): CatalogGraphStep {
  const step = fields(value, where, ['Kind', 'Query', 'Labels', 'LabelsColumn', ...ids]);
  const labels = step['Labels'] ?? [];
  if (!Array.isArray(labels) || !labels.every((label): label is string => typeof label === 'string'))
    throw invalid(`${where}.Labels is not a list of texts`);
  const unknown = labels.find((label) => !known.has(label));
  if (unknown !== undefined) throw invalid(`${where}.Labels names '${unknown}', which the Schema does not define`);
  const labelsColumn = step['LabelsColumn'];
  return {
    query: textOf(step, where, 'Query'),
    ids: ids.map((id) => textOf(step, where, id)),
    labels,
    ...(labelsColumn === undefined ? {} : { labelsColumn: textOf(step, where, 'LabelsColumn') }),
  };
}

function labelsOfSchema(schema: Fields, part: 'Nodes' | 'Edges'): ReadonlySet<string> {
  const types = schema[part] === undefined ? {} : fields(schema[part], `Schema.${part}`);
  for (const [label, properties] of Object.entries(types)) {
    for (const [property, type] of Object.entries(fields(properties, `Schema.${part}.${label}`)))
      if (typeof type !== 'string' || !isKqlType(type))
        throw invalid(`Schema.${part}.${label}.${property} is not the name of a type`);
  }
  return new Set(Object.keys(types));
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fields(value: unknown, where: string, known?: readonly string[]): Fields {
  if (!isFields(value)) throw invalid(`${where} is not an object`);
  const unknown = known && Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`${where} has the unknown field '${unknown}'`);
  return value;
}

function textOf(step: Fields, where: string, name: string): string {
  const value = step[name];
  if (typeof value !== 'string' || value === '') throw invalid(`${where}.${name} is not a text`);
  return value;
}

const invalid = (what: string): Error => dataError('InvalidGraphModel', what.slice(0, 500));

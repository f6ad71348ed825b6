import { isApiVersionBefore } from '../../arm/api-version.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { isSameLocation } from '../../arm/locations.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import { systemData } from '../../arm/system-data.ts';
import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import { instant, toIso } from '../../clock/clock.ts';
import { writeRecord } from '../../state/state.ts';
import type { Versioned } from '../../state/state.ts';
import {
  accepted,
  beginChildOperation,
  begun,
  childProvisioning,
  commitChild,
  requestedClusterId,
  requireChangeable,
  requireChildIdle,
  requireReadable,
  requireSettled,
} from './child-changes.ts';
import type { ClusterResource } from './cluster-record.ts';
import { addressOf, bodyObject, listChildren } from './cluster-store.ts';
import { requireDatabase } from './databases.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';
import type { ChildContext, ChildForm, ChildKind, WantedChild } from './child-kind.ts';
import { formOf, readValues, sentValues, shownValues } from './child-properties.ts';
import { childResources } from './child-resource.ts';
import type { ChildResource } from './child-resource.ts';
import { notActing } from './child-row.ts';

/** Where children of a type are: their ids continue `id`, their names `name`. */
interface Place {
  readonly id: string;
  readonly name: string;
}

const capitalized = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
const nameOf = (request: ArmRequest): string => request.params['childName'] ?? '';
const plural = (kind: ChildKind): string => `${kind.noun}s`;

/** @throws ArmError 404 without the database that the path names */
async function placeOf(
  kind: ChildKind,
  ports: KustoPorts,
  request: ArmRequest,
  cluster: ClusterResource,
): Promise<Place> {
  const { clusterName } = addressOf(request);
  const clusterId = requestedClusterId(request);
  if (kind.parent === 'cluster') return { id: `${clusterId}/${capitalized(kind.type)}`, name: clusterName };
  await requireDatabase(ports, request, cluster);
  const { databaseName = '' } = request.params;
  const name = `${clusterName}/${databaseName}`;
  return { id: `${clusterId}/Databases/${databaseName}/${capitalized(kind.type)}`, name };
}

const shownType = (kind: ChildKind): string =>
  `Microsoft.Kusto/Clusters/${kind.parent === 'database' ? 'Databases/' : ''}${capitalized(kind.type)}`;

const find = (ports: KustoPorts, place: Place, name: string): Promise<Versioned<ChildResource> | undefined> =>
  ports.state.get(childResources, `${place.id}/${name}`.toLowerCase());

/** Why one of the children shown has no effect here. */
function idleHeader(
  kind: ChildKind,
  context: Pick<ChildContext, 'ports' | 'cluster'>,
  children: readonly Pick<WantedChild, 'form' | 'values'>[],
): Readonly<Record<string, string>> {
  const { idle, idleOf } = kind;
  const why =
    idleOf === undefined
      ? idle
      : children.map(({ form, values }) => idleOf(context, form, values)).find((one) => one !== undefined);
  return why === undefined ? {} : notActing(why);
}

const asWanted = ({ kind = '', properties }: ChildResource): WantedChild => ({ form: kind, values: properties.values });

const headersOf = (
  kind: ChildKind,
  context: Pick<ChildContext, 'ports' | 'cluster' | 'request'>,
  child: WantedChild,
): Readonly<Record<string, string>> => ({
  ...idleHeader(kind, context, [child]),
  ...(hasEtag(context.request) ? { etag: '""' } : {}),
});

/** In 2019 a child had an etag, an empty one, and tags. */
const hasEtag = ({ apiVersion }: Pick<ArmRequest, 'apiVersion'>): boolean =>
  isApiVersionBefore(apiVersion, '2020-01-01');

const withHeaders = (reply: ArmReply, headers: Readonly<Record<string, string>>): ArmReply => ({
  ...reply,
  headers: { ...headers, ...reply.headers },
});

export async function getChild(kind: ChildKind, ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireReadable(ports, request, `fetch ${plural(kind)}`);
  const place = await placeOf(kind, ports, request, cluster);
  const found = await find(ports, place, nameOf(request));
  if (found === undefined) throw kustoError('ChildNotFound', `${place.id}/${nameOf(request)}`);
  return withHeaders(
    { status: 200, body: showChild(kind, ports, request, cluster, found.value) },
    headersOf(kind, { ports, cluster, request }, asWanted(found.value)),
  );
}

/** @returns every child of this type in a cluster or database; the last part of `prefix` names the type */
export async function childrenBelow(ports: KustoPorts, prefix: string): Promise<readonly Versioned<ChildResource>[]> {
  const found: Versioned<ChildResource>[] = [];
  for (const { id } of await listChildren(ports.state, `${prefix}/`.toLowerCase())) {
    const child = await ports.state.get(childResources, id);
    if (child !== undefined) found.push(child);
  }
  return sortedById(found, ({ id }) => id);
}

export async function readChildren(kind: ChildKind, ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireReadable(ports, request, `fetch ${plural(kind)}`);
  const place = await placeOf(kind, ports, request, cluster);
  const page = pageOf(request, await childrenBelow(ports, place.id), ({ id }) => id);
  const value = page.value.map((child) => showChild(kind, ports, request, cluster, child.value));
  const body = { value, ...(page.nextLink === undefined ? {} : { nextLink: page.nextLink }) };
  const children = page.value.map((child) => asWanted(child.value));
  return withHeaders({ status: 200, body }, idleHeader(kind, { ports, cluster }, children));
}

export const putChild = (kind: ChildKind, ports: KustoPorts, request: ArmRequest): Promise<ArmReply> =>
  writeChild(kind, ports, request, 'replace');

export const patchChild = (kind: ChildKind, ports: KustoPorts, request: ArmRequest): Promise<ArmReply> =>
  writeChild(kind, ports, request, 'merge');

/** Every write is an operation, also one that changes nothing, as recorded. */
async function writeChild(
  kind: ChildKind,
  ports: KustoPorts,
  request: ArmRequest,
  mode: 'replace' | 'merge',
): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, `change ${plural(kind)}`);
  const place = await placeOf(kind, ports, request, cluster.value);
  const name = nameOf(request);
  const id = `${place.id}/${name}`;
  const found = await find(ports, place, name);
  if (found === undefined && mode === 'merge') throw kustoError('ChildNotFound', id);
  if (found === undefined) requireName(kind, name);
  else requireChildIdle(found.value, ports.clock.now());
  const body = bodyObject(request);
  requirePlaceOf(kind, body, cluster.value);
  const { form, values } = readWanted(kind, request, found?.value, mode);
  const context = { ports, request, cluster: cluster.value, name };
  await kind.check?.(context, { form, values }, found?.value);
  const failure = await kind.act?.(context, { form, values }, found?.value);
  const row = formRow(kind, form);
  const changes = found === undefined ? undefined : true;
  const about = [row.write, found?.value.id ?? id, changes, failure] as const;
  const operation = await beginChildOperation(ports, request, cluster.value, ...about);
  const now = toIso(ports.clock.now());
  const madeAt = found === undefined ? madeNow(kind, ports) : found.value.properties.madeAt;
  const stays = found !== undefined && kind.keepsOverrides?.(found.value, values) === true;
  const overrides = stays ? found.value.properties.overrides : undefined;
  const child: ChildResource = {
    id: found?.value.id ?? id,
    name: found?.value.name ?? `${place.name}/${name}`,
    type: shownType(kind),
    ...(form === '' ? {} : { kind: form }),
    properties: {
      format: 1,
      values,
      operation: operation.kept,
      ...(overrides === undefined ? {} : { overrides }),
      ...(madeAt === undefined ? {} : { madeAt }),
      ...(kind.hasSystemData === undefined
        ? {}
        : { systemData: { ...systemData(request.caller, now, found?.value.properties.systemData) } }),
    },
    createdAt: found?.value.createdAt ?? now,
    changedAt: now,
  };
  const write = writeRecord(childResources, child.id.toLowerCase(), found?.version ?? null, child);
  await commitChild(ports, cluster, operation, [write], failure !== undefined);
  const status = found === undefined ? 201 : mode === 'merge' ? 202 : 200;
  const first = firstAnswer(kind, request, row, child, found === undefined ? 'Creating' : 'Accepted');
  return withHeaders(begun(request, operation, status, first), headersOf(kind, context, { form, values }));
}

const madeNow = ({ followsStorage }: ChildKind, { machineNow }: KustoPorts): string | undefined =>
  followsStorage === true ? toIso(instant(machineNow())) : undefined;

function readWanted(
  kind: ChildKind,
  request: ArmRequest,
  held: ChildResource | undefined,
  mode: 'replace' | 'merge',
): { readonly form: string; readonly values: JsonObject } {
  const body = bodyObject(request);
  const isKept = mode === 'merge' && (body['kind'] === undefined || body['kind'] === null);
  const form = isKept ? (held?.kind ?? '') : formOf(kind, body, request.apiVersion);
  if (held !== undefined && form !== (held.kind ?? ''))
    throw kustoError('InvalidValue', 'kind', `'${held.kind ?? ''}'`);
  const before = mode === 'merge' ? held?.properties.values : undefined;
  return { form, values: readValues(formRow(kind, form), body, request.apiVersion, before) };
}

export function formRow(kind: ChildKind, form: string): ChildForm {
  const row = kind.forms[form];
  invariant(row !== undefined, 'a child has one of the forms of its type');
  return row;
}

function requireName(kind: ChildKind, name: string): void {
  if (!kind.name.pattern.test(name))
    throw kustoError('InvalidChildName', kind.noun, name.slice(0, 300), kind.name.rule);
}

function requirePlaceOf(kind: ChildKind, body: JsonObject, cluster: ClusterResource): void {
  const { location } = body;
  if (kind.located !== true || typeof location !== 'string' || location === '') return;
  if (!isSameLocation(location, cluster.location))
    throw kustoError('InvalidValue', 'location', `the location of the cluster, '${cluster.location}'`);
}

/** 204 when there is none. */
export async function deleteChild(kind: ChildKind, ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const require = kind.dropsWhileSuspended === true ? requireSettled : requireChangeable;
  const cluster = await require(ports, request, `change ${plural(kind)}`);
  const place = await placeOf(kind, ports, request, cluster.value);
  const found = await find(ports, place, nameOf(request));
  if (found === undefined) return { status: 204 };
  requireChildIdle(found.value, ports.clock.now());
  const operation = await beginChildOperation(ports, request, cluster.value, kind.drop, found.value.id);
  await commitChild(ports, cluster, operation, [writeRecord(childResources, found.id, found.version, null)]);
  return accepted(request, operation);
}

export async function checkChildName(kind: ChildKind, ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireReadable(ports, request, `fetch ${plural(kind)}`);
  const place = await placeOf(kind, ports, request, cluster);
  const { name, type } = bodyObject(request);
  if (typeof name !== 'string') throw kustoError('MissingProperty', 'name');
  const expected = `Microsoft.Kusto/clusters/${kind.parent === 'database' ? 'databases/' : ''}${kind.type}`;
  if (typeof type !== 'string' || type.toLowerCase() !== expected.toLowerCase())
    throw kustoError('InvalidValue', 'type', `'${expected}'`);
  if (!kind.name.pattern.test(name)) {
    const { message } = kustoError('InvalidChildName', kind.noun, name.slice(0, 300), kind.name.rule);
    return { status: 200, body: { name, nameAvailable: false, message, reason: 'Invalid' } };
  }
  if ((await find(ports, place, name)) === undefined)
    return { status: 200, body: { name, nameAvailable: true, message: '' } };
  const message = `${capitalized(kind.noun)} ${name} already exists in ${kind.parent} ${place.name.split('/').at(-1) ?? ''}. Please select a different name.`;
  return { status: 200, body: { name, nameAvailable: false, message } };
}

/** Repeats what was sent. */
function firstAnswer(
  kind: ChildKind,
  request: ArmRequest,
  form: ChildForm,
  child: ChildResource,
  provisioningState: string,
): JsonObject {
  const body = bodyObject(request);
  const { location } = body;
  return {
    ...heading(child, request),
    ...(kind.located === true && typeof location === 'string' && location !== '' ? { location } : {}),
    ...(child.kind === undefined ? {} : { kind: child.kind }),
    properties: { ...sentValues(form, body), provisioningState },
    ...(kind.hasSystemData === 'first' ? { systemData: child.properties.systemData ?? null } : {}),
  };
}

export function showChild(
  kind: ChildKind,
  ports: KustoPorts,
  request: Pick<ArmRequest, 'apiVersion'>,
  cluster: ClusterResource,
  child: ChildResource,
): JsonObject {
  const { operation, systemData: made } = child.properties;
  const values = shownValues(formRow(kind, child.kind ?? ''), child.properties, request.apiVersion);
  const passing = childProvisioning(operation, ports.clock.now());
  const provisioningState = passing === 'Succeeded' && operation?.failure !== undefined ? 'Failed' : passing;
  return {
    ...heading(child, request),
    ...(kind.located === undefined ? {} : { location: cluster.location }),
    ...(child.kind === undefined ? {} : { kind: child.kind }),
    ...(hasEtag(request) ? { tags: {} } : {}),
    properties: { ...(kind.show?.(values, child, cluster) ?? values), provisioningState },
    ...(made === undefined ? {} : { systemData: made }),
  };
}

const heading = ({ id, name, type }: ChildResource, request: Pick<ArmRequest, 'apiVersion'>): JsonObject => ({
  ...{ id, name, type },
  ...(hasEtag(request) ? { etag: '""' } : {}),
});

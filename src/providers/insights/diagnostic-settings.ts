import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import { auditHead, headRecordId } from '../../audit/audit-chain.ts';
import { eventTables } from '../../audit/event-tables.ts';
import { requestTables } from '../../audit/request-tables.ts';
import type { Moment } from '../../clock/monotonic-clock.ts';
import type { DeliveryCursor, DiagnosticSetting, DiagnosticTarget } from '../../arm/diagnostic-settings.ts';
import { cursorId, deliveryCursors, diagnosticSettingId, diagnosticSettings } from '../../arm/diagnostic-settings.ts';
import { parseResourceId } from '../../arm/resource-path.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { systemData } from '../../arm/system-data.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import { listAll, listIntact } from '../../state/list-all.ts';
import type { State, StateExpectation, StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import type { DiagnosticCategory } from './diagnostic-categories.ts';
import { categoriesOf } from './diagnostic-categories.ts';
import { insightsErrors } from './insights-errors.ts';
import { enabledIn, readSetting, settingSchema } from './setting-body.ts';
import { showCategory, showSetting } from './setting-view.ts';
import { enabledTables } from './setting-tables.ts';

export interface DiagnosticSettingsDependencies {
  readonly state: State;
  readonly clock: Pick<Clock, 'now'>;
  readonly randomBytes: RandomBytes;
  readonly moment: () => Moment;
  /** A database that holds rows of its own; undefined: there is none with that resource id. */
  readonly findDatabase: (resourceId: string) => Promise<Omit<DiagnosticTarget, 'resourceId'> | undefined>;
}

/** Azure's limit for one source. */
const settingsMax = 5;

/** Settings that copy what is recorded of a vault, cluster or subscription into a database of a cluster. Azure copies into workspaces of Log
 * Analytics, storage accounts and event hubs; here `workspaceId` names the database, and the others are refused. */
export function diagnosticSettingOperations(deps: DiagnosticSettingsDependencies): readonly ArmOperation[] {
  const namespace = 'Microsoft.Insights';
  const list = `{scope}/providers/${namespace}/diagnosticSettings`;
  const path = `${list}/{name}`;
  const categories = `{scope}/providers/${namespace}/diagnosticSettingsCategories`;
  const action = (verb: string): string => `${namespace}/diagnosticSettings/${verb}`;
  const readCategories = `${namespace}/diagnosticSettingsCategories/read`;
  return [
    {
      id: 'DiagnosticSettings_List',
      method: 'GET',
      path: list,
      action: action('read'),
      handle: (it) => listed(deps, it),
    },
    {
      id: 'DiagnosticSettings_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => {
        const { value } = await requireSetting(deps, request);
        return { status: 200, body: showSetting(value) };
      },
    },
    {
      id: 'DiagnosticSettings_CreateOrUpdate',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: settingSchema, required: true },
      // Rows are added to what is named, so it takes the right to change that database.
      links: [{ property: 'properties.workspaceId', action: 'Microsoft.Kusto/clusters/databases/write' }],
      handle: (request) => retryOnConflict(() => put(deps, request)),
    },
    {
      id: 'DiagnosticSettings_Delete',
      method: 'DELETE',
      path,
      action: action('delete'),
      handle: (request) => retryOnConflict(() => drop(deps, request)),
    },
    {
      id: 'DiagnosticSettingsCategory_List',
      method: 'GET',
      path: categories,
      action: readCategories,
      handle: async (request) => {
        const source = await requireSource(deps.state, scopeOf(request));
        return { status: 200, body: { value: source.categories.map((one) => showCategory(source.scope, one)) } };
      },
    },
    {
      id: 'DiagnosticSettingsCategory_Get',
      method: 'GET',
      path: `${categories}/{name}`,
      action: readCategories,
      handle: async (request) => {
        const source = await requireSource(deps.state, scopeOf(request));
        const name = request.params['name'] ?? '';
        const found = source.categories.find((one) => one.name.toLowerCase() === name.toLowerCase());
        if (found === undefined) throw insightsErrors.CategoryNotFound(name);
        return { status: 200, body: showCategory(source.scope, found) };
      },
    },
  ];
}

const scopeOf = ({ params }: ArmRequest): string => params['scope'] ?? '/';

interface Source {
  /** In the casing of the resource. */
  readonly scope: string;
  readonly type: string;
  readonly categories: readonly DiagnosticCategory[];
  /** It is still there when the setting is written. */
  readonly expect: readonly StateExpectation[];
}

/** @throws ArmError 404 `ResourceNotFound`, 400 `ResourceTypeNotSupported` */
async function requireSource(state: State, scope: string): Promise<Source> {
  if (/^\/subscriptions\/[^/]+$/i.test(scope)) {
    const type = 'Microsoft.Resources/subscriptions';
    return { scope, type, categories: categoriesOf(type) ?? [], expect: [] };
  }
  const id = parseResourceId(scope);
  const categories = id && categoriesOf(id.type);
  if (id === undefined || categories === undefined)
    throw insightsErrors.ResourceTypeNotSupported((id?.type ?? 'Microsoft.Resources/resourceGroups').toLowerCase());
  const found = await state.get(armResources, resourceRecordId(scope));
  if (found === undefined) throw armErrors.ResourceNotFound(id.type, id.name, id.resourceGroupName);
  const expect = [expectRecord(armResources, found.id, found.version)];
  return { scope: found.value.id, type: id.type, categories, expect };
}

const recordId = (request: ArmRequest): string =>
  resourceRecordId(diagnosticSettingId({ scope: scopeOf(request), name: request.params['name'] ?? '' }));

async function requireSetting(
  { state }: DiagnosticSettingsDependencies,
  request: ArmRequest,
): Promise<Versioned<DiagnosticSetting>> {
  await requireSource(state, scopeOf(request));
  const found = await state.get(diagnosticSettings, recordId(request));
  if (found === undefined) throw insightsErrors.SettingNotFound(request.params['name'] ?? '');
  return found;
}

async function listed({ state }: DiagnosticSettingsDependencies, request: ArmRequest): Promise<ArmReply> {
  const { scope } = await requireSource(state, scopeOf(request));
  const found = await listIntact(state, diagnosticSettings, prefixOf(scope));
  return { status: 200, body: { value: found.map(({ value }) => showSetting(value)) } };
}

const prefixOf = (scope: string): string => resourceRecordId(diagnosticSettingId({ scope, name: '' }));

async function put(deps: DiagnosticSettingsDependencies, request: ArmRequest): Promise<ArmReply> {
  const { state } = deps;
  const source = await requireSource(state, scopeOf(request));
  const name = request.params['name'] ?? '';
  if (name.length > 260 || /[<>*%&:\\?+/]/.test(name)) throw insightsErrors.InvalidSettingName(name.slice(0, 260));
  const sent = readSetting(request.body, source);
  const target = await findTarget(deps, sent.workspaceId);
  const others = await listAll(state, diagnosticSettings, prefixOf(source.scope));
  const held = others.find(({ id }) => id === recordId(request));
  if (held === undefined && others.length >= settingsMax) throw insightsErrors.LimitReached(settingsMax);
  const enabled = enabledIn(sent.logs, source.categories);
  for (const { id, value } of others) {
    if (id === held?.id || value.target.databaseId !== target.databaseId) continue;
    const both = enabledIn(value.logs, source.categories).find((one) => enabled.includes(one));
    if (both !== undefined) throw insightsErrors.SinkInUse(target.resourceId, value.name, both.name);
  }
  const isSame = held?.value.target.databaseId === target.databaseId;
  const setting: DiagnosticSetting = {
    settingId: held !== undefined && isSame ? held.value.settingId : newGuid(deps.randomBytes),
    name: held?.value.name ?? name,
    scope: source.scope,
    target,
    ...sent.kept,
    systemData: systemData(request.caller, toIso(deps.clock.now()), held?.value.systemData),
  };
  await state.commit({
    expect: source.expect,
    write: [
      writeRecord(diagnosticSettings, recordId(request), held?.version ?? null, setting),
      ...(await cursorWrites(deps, setting)),
    ],
  });
  return { status: 200, body: showSetting(setting) };
}

/** @throws ArmError 501 for a target of Azure that is not built, by name; 404 `ResourceNotFound` */
async function findTarget(deps: DiagnosticSettingsDependencies, workspaceId: string): Promise<DiagnosticTarget> {
  const id = parseResourceId(workspaceId);
  if (id?.type.toLowerCase() !== 'microsoft.kusto/clusters/databases')
    throw insightsErrors.NotBuilt(
      id?.type.toLowerCase() === 'microsoft.operationalinsights/workspaces'
        ? 'workspaces of Log Analytics (workspaceId)'
        : 'targets of this type (workspaceId)',
    );
  const found = await deps.findDatabase(workspaceId);
  if (found === undefined) throw armErrors.ResourceNotFound(id.type, id.name, id.resourceGroupName);
  return { resourceId: workspaceId, ...found };
}

/** A table that was not filled by this setting before begins with what is recorded, and asked, from now on. */
async function cursorWrites(
  { state, moment }: DiagnosticSettingsDependencies,
  setting: DiagnosticSetting,
): Promise<readonly StateWrite[]> {
  const { settingId } = setting;
  const head = await state.get(auditHead, headRecordId);
  const recorded: DeliveryCursor = { settingId, after: (head?.value.next ?? 1) - 1 };
  const asked: DeliveryCursor = { settingId, after: 0, since: moment() };
  const begun = new Map([
    ...enabledTables(setting, eventTables).map(({ name }) => [cursorId(setting, name), recorded] as const),
    ...enabledTables(setting, requestTables).map(({ name }) => [cursorId(setting, name), asked] as const),
  ]);
  const held = await listAll(state, deliveryCursors, cursorId(setting, ''));
  const over = held.filter(({ id }) => !begun.has(id));
  return [
    ...[...begun].flatMap(([id, cursor]) => {
      const found = held.find((one) => one.id === id);
      if (found?.value.settingId === settingId) return [];
      return [writeRecord(deliveryCursors, id, found?.version ?? null, cursor)];
    }),
    ...over.map(({ id, version }) => writeRecord(deliveryCursors, id, version, null)),
  ];
}

async function drop({ state }: DiagnosticSettingsDependencies, request: ArmRequest): Promise<ArmReply> {
  await requireSource(state, scopeOf(request));
  const found = await state.get(diagnosticSettings, recordId(request));
  if (found === undefined) return { status: 204 };
  const cursors = await listAll(state, deliveryCursors, cursorId(found.value, ''));
  await state.commit({
    write: [
      writeRecord(diagnosticSettings, found.id, found.version, null),
      ...cursors.map(({ id, version }) => writeRecord(deliveryCursors, id, version, null)),
    ],
  });
  return { status: 200 };
}

import { isScopeWithin } from '../authz/decide.ts';
import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { Moment } from '../clock/monotonic-clock.ts';
import { listAll } from '../state/list-all.ts';
import type { State, StateWrite, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { resourceRecordId } from './resource.ts';
import type { SystemData } from './system-data.ts';

/** What of a category is sent. One of `category` and `categoryGroup` is there. */
export interface CategorySetting {
  readonly category?: string;
  readonly categoryGroup?: string;
  readonly enabled: boolean;
  readonly retentionPolicy?: { readonly enabled: boolean; readonly days: number };
}

/** Where events go: that database, and none that is made later under its name. */
export interface DiagnosticTarget {
  /** As it was sent. */
  readonly resourceId: string;
  readonly clusterId: Guid;
  readonly databaseId: Guid;
}

/** Events of one source go to a database of a cluster. */
export interface DiagnosticSetting {
  /** Made new with each setting, and with each other target. */
  readonly settingId: Guid;
  readonly name: string;
  /** The source: a vault, cluster or subscription. */
  readonly scope: string;
  readonly target: DiagnosticTarget;
  readonly logs: readonly CategorySetting[];
  readonly metrics: readonly CategorySetting[];
  readonly logAnalyticsDestinationType?: string;
  readonly location?: string;
  readonly systemData: SystemData;
}

/** Record id: the setting's resource id in lower case. */
export const diagnosticSettings: Table<DiagnosticSetting> = {
  name: 'diagnostic-settings',
  parse: (value) => {
    invariant(isJsonObject(value) && isJsonObject(value['target']), 'a diagnostic setting has a target');
    return value as unknown as DiagnosticSetting;
  },
};

/** How far the events of a setting have come in one table. */
export interface DeliveryCursor {
  readonly settingId: Guid;
  /** Number of the last event that is in the table, or that came before the setting. */
  readonly after: number;
  /** Those up to it are on their way: whether they have arrived, the database knows. */
  readonly until?: number;
  /** Of what clusters were asked: when the setting began. Its numbers are not kept, as they go with the cluster's process. */
  readonly since?: Moment;
}

/** Record id: that of the setting, a space and the name of the table. */
export const deliveryCursors: Table<DeliveryCursor> = {
  name: 'diagnostic-cursors',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['after'] === 'number', 'a cursor has a place in the log');
    return value as unknown as DeliveryCursor;
  },
};

export const diagnosticSettingId = ({ scope, name }: Pick<DiagnosticSetting, 'scope' | 'name'>): string =>
  `${scope}/providers/Microsoft.Insights/diagnosticSettings/${name}`;

export const cursorId = (setting: Pick<DiagnosticSetting, 'scope' | 'name'>, table: string): string =>
  `${resourceRecordId(diagnosticSettingId(setting))} ${table}`;

/** The deletes that take all settings of a resource or group away with it, and those of what it holds. */
export async function dropDiagnosticSettingsWithin(state: State, scope: string): Promise<readonly StateWrite[]> {
  const settings = await listAll(state, diagnosticSettings);
  const found = settings.filter(({ value }) => isScopeWithin(value.scope, scope));
  const cursors = await Promise.all(found.map(({ id }) => listAll(state, deliveryCursors, `${id} `)));
  return [
    ...found.map(({ id, version }) => writeRecord(diagnosticSettings, id, version, null)),
    ...cursors.flat().map(({ id, version }) => writeRecord(deliveryCursors, id, version, null)),
  ];
}

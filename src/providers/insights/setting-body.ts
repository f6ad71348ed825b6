import { Type } from '@sinclair/typebox';
import type { CategorySetting, DiagnosticSetting } from '../../arm/diagnostic-settings.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { DiagnosticCategory } from './diagnostic-categories.ts';
import { insightsErrors } from './insights-errors.ts';

const text = (most: number) => Type.Optional(Type.Union([Type.String({ maxLength: most }), Type.Null()]));
const retentionPolicy = Type.Optional(
  Type.Union([
    Type.Object({ enabled: Type.Boolean(), days: Type.Integer({ minimum: 0, maximum: 100_000 }) }),
    Type.Null(),
  ]),
);
const categorySettings = Type.Optional(
  Type.Union([
    Type.Array(
      Type.Object({ category: text(100), categoryGroup: text(100), enabled: Type.Boolean(), retentionPolicy }),
      { maxItems: 100 },
    ),
    Type.Null(),
  ]),
);

export const settingSchema = Type.Object({
  location: text(100),
  properties: Type.Object({
    workspaceId: text(2_000),
    storageAccountId: text(2_000),
    eventHubAuthorizationRuleId: text(2_000),
    eventHubName: text(300),
    serviceBusRuleId: text(2_000),
    marketplacePartnerId: text(2_000),
    logAnalyticsDestinationType: text(100),
    logs: categorySettings,
    metrics: categorySettings,
  }),
});

/** Where Azure sends events besides, by the property that names it. */
const otherSinks: Readonly<Record<string, string>> = {
  storageAccountId: 'storage accounts (storageAccountId)',
  eventHubAuthorizationRuleId: 'event hubs (eventHubAuthorizationRuleId)',
  eventHubName: 'event hubs (eventHubName)',
  serviceBusRuleId: 'service buses (serviceBusRuleId)',
  marketplacePartnerId: "partners' targets (marketplacePartnerId)",
};

export interface SentSetting {
  readonly workspaceId: string;
  readonly logs: readonly CategorySetting[];
  readonly kept: Pick<DiagnosticSetting, 'logs' | 'metrics' | 'location' | 'logAnalyticsDestinationType'>;
}

/** @throws ArmError 400, and 501 for what is not built, by its name */
export function readSetting(
  body: Json | undefined,
  source: { readonly type: string; readonly categories: readonly DiagnosticCategory[] },
): SentSetting {
  const sent = isJsonObject(body) ? body : {};
  const properties = isJsonObject(sent['properties']) ? sent['properties'] : {};
  for (const [property, what] of Object.entries(otherSinks))
    if (textMember(properties, property) !== '') throw insightsErrors.NotBuilt(what);
  const workspaceId = textMember(properties, 'workspaceId');
  if (workspaceId === '') throw insightsErrors.SinkMissing();
  const destination = textMember(properties, 'logAnalyticsDestinationType');
  if (destination !== '' && destination.toLowerCase() !== 'dedicated')
    throw insightsErrors.NotBuilt(`the table AzureDiagnostics (logAnalyticsDestinationType '${destination}')`);
  const logs = categorySettingsOf(properties['logs']);
  const metrics = categorySettingsOf(properties['metrics']);
  requireKnown(logs, 'Logs', source);
  requireKnown(metrics, 'Metrics', source);
  if (enabledIn(logs, source.categories).length === 0) throw insightsErrors.NothingEnabled();
  const location = textMember(sent, 'location');
  return {
    workspaceId,
    logs,
    kept: {
      ...{ logs, metrics },
      ...(location === '' ? {} : { location }),
      ...(destination === '' ? {} : { logAnalyticsDestinationType: 'Dedicated' }),
    },
  };
}

const categorySettingsOf = (value: Json | undefined): readonly CategorySetting[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject).map(categorySettingOf) : [];

function categorySettingOf(sent: JsonObject): CategorySetting {
  const { retentionPolicy: retention } = sent;
  const [category, categoryGroup] = [textMember(sent, 'category'), textMember(sent, 'categoryGroup')];
  return {
    ...(category === '' ? {} : { category }),
    ...(categoryGroup === '' ? {} : { categoryGroup }),
    enabled: sent['enabled'] === true,
    ...(isJsonObject(retention)
      ? { retentionPolicy: { enabled: retention['enabled'] === true, days: Number(retention['days'] ?? 0) } }
      : {}),
  };
}

const isNamed = (name: string | undefined, other: string): boolean => name?.toLowerCase() === other.toLowerCase();

function requireKnown(
  settings: readonly CategorySetting[],
  kind: DiagnosticCategory['kind'],
  { type, categories }: { readonly type: string; readonly categories: readonly DiagnosticCategory[] },
): void {
  const ofKind = categories.filter((one) => one.kind === kind);
  const isKnown = ({ category, categoryGroup }: CategorySetting): boolean =>
    ofKind.some(({ name, groups }) =>
      category === undefined ? groups.some((group) => isNamed(categoryGroup, group)) : isNamed(category, name),
    );
  const unknown = settings.filter((one) => !isKnown(one));
  if (unknown.length > 0)
    throw insightsErrors.CategoryNotSupported(
      unknown.map(({ category, categoryGroup }) => category ?? categoryGroup ?? '').join(','),
    );
  const names = settings.map(({ category, categoryGroup }) => `${category ?? ''} ${categoryGroup ?? ''}`.toLowerCase());
  const enabled = settings.filter((one) => one.enabled);
  const isMixed = new Set(enabled.map(({ category }) => category === undefined)).size > 1;
  if (new Set(names).size < names.length || isMixed || settings.some((one) => one.category && one.categoryGroup))
    throw insightsErrors.MixedCategories();
  for (const { category } of enabled) {
    const found = ofKind.find(({ name }) => isNamed(category, name));
    if (found?.events === 'notBuilt') throw insightsErrors.CategoryNotBuilt(found.name, type);
  }
}

/** The categories that are enabled, by name or by group. */
export const enabledIn = (
  settings: readonly CategorySetting[],
  categories: readonly DiagnosticCategory[],
): readonly DiagnosticCategory[] =>
  categories.filter(({ name, kind, groups }) =>
    settings.some(
      ({ category, categoryGroup, enabled }) =>
        enabled &&
        kind === 'Logs' &&
        (isNamed(category, name) || groups.some((group) => isNamed(categoryGroup, group))),
    ),
  );

import type { CategorySetting, DiagnosticSetting } from '../../arm/diagnostic-settings.ts';
import { diagnosticSettingId } from '../../arm/diagnostic-settings.ts';
import type { JsonObject } from '../../base/json.ts';
import type { DiagnosticCategory } from './diagnostic-categories.ts';

const unset = { enabled: false, days: 0 };

const showCategorySetting = ({ category, categoryGroup, enabled, retentionPolicy }: CategorySetting): JsonObject => ({
  category: category ?? null,
  categoryGroup: categoryGroup ?? null,
  enabled,
  retentionPolicy: { ...(retentionPolicy ?? unset) },
});

/** @see Monitor REST, Diagnostic Settings, `DiagnosticSettingsResource` */
export const showSetting = (setting: DiagnosticSetting): JsonObject => ({
  id: diagnosticSettingId(setting),
  type: 'Microsoft.Insights/diagnosticSettings',
  name: setting.name,
  location: setting.location ?? null,
  kind: null,
  tags: null,
  identity: null,
  properties: {
    storageAccountId: null,
    serviceBusRuleId: null,
    workspaceId: setting.target.resourceId,
    eventHubAuthorizationRuleId: null,
    eventHubName: null,
    marketplacePartnerId: null,
    logs: setting.logs.map(showCategorySetting),
    metrics: setting.metrics.map(showCategorySetting),
    logAnalyticsDestinationType: setting.logAnalyticsDestinationType ?? null,
  },
  systemData: { ...setting.systemData },
});

/** @see Monitor REST, Diagnostic Settings Category, `DiagnosticSettingsCategoryResource` */
export const showCategory = (scope: string, { name, kind, groups }: DiagnosticCategory): JsonObject => ({
  id: `${scope}/providers/microsoft.insights/diagnosticSettingsCategories/${name}`,
  type: 'Microsoft.Insights/diagnosticSettingsCategories',
  name,
  location: null,
  kind: null,
  tags: null,
  identity: null,
  properties: { categoryType: kind, ...(groups.length === 0 ? {} : { categoryGroups: [...groups] }) },
});

import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { operationsList } from '../../arm/operations-list.ts';
import type { ActivityLogDependencies } from './activity-log.ts';
import { activityLogOperations } from './activity-log.ts';
import type { DiagnosticSettingsDependencies } from './diagnostic-settings.ts';
import { diagnosticSettingOperations } from './diagnostic-settings.ts';

const namespace = 'Microsoft.Insights';

/** Microsoft.Insights: the activity log of a subscription, and where events of a source are copied to. */
export function createInsightsProvider(deps: ActivityLogDependencies & DiagnosticSettingsDependencies): ArmProvider {
  const operations: readonly ArmOperation[] = [...activityLogOperations(deps), ...diagnosticSettingOperations(deps)];
  return {
    namespace,
    resourceTypes: [
      { resourceType: 'eventtypes', apiVersions: ['2015-04-01', '2014-04-01'], locations: [] },
      { resourceType: 'eventcategories', apiVersions: ['2015-04-01'], locations: [] },
      {
        resourceType: 'diagnosticSettings',
        apiVersions: ['2016-09-01', '2021-05-01-preview', '2017-05-01-preview'],
        locations: [],
      },
      {
        resourceType: 'diagnosticSettingsCategories',
        apiVersions: ['2021-05-01-preview', '2017-05-01-preview'],
        locations: [],
      },
      { resourceType: 'operations', apiVersions: ['2015-04-01'], locations: [] },
    ],
    operations: [...operations, operationsList({ namespace, displayName: 'Microsoft Insights', operations })],
  };
}

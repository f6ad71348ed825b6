import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { notBuilt } from '../../arm/not-built.ts';
import { operationsList } from '../../arm/operations-list.ts';
import type { ActivityLogDependencies } from './activity-log.ts';
import { activityLogOperations } from './activity-log.ts';

const namespace = 'Microsoft.Insights';

/** Microsoft.Insights: the activity log of a subscription. */
export function createInsightsProvider(deps: ActivityLogDependencies): ArmProvider {
  const settings = `{scope}/providers/${namespace}/diagnosticSettings`;
  const setting = `${settings}/{name}`;
  const action = (verb: string): string => `${namespace}/diagnosticSettings/${verb}`;
  const operations: readonly ArmOperation[] = [
    ...activityLogOperations(deps),
    notBuilt('DiagnosticSettings_List', 'GET', settings, action('read')),
    notBuilt('DiagnosticSettings_Get', 'GET', setting, action('read')),
    notBuilt('DiagnosticSettings_CreateOrUpdate', 'PUT', setting, action('write')),
    notBuilt('DiagnosticSettings_Delete', 'DELETE', setting, action('delete')),
  ];
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
      { resourceType: 'operations', apiVersions: ['2015-04-01'], locations: [] },
    ],
    operations: [...operations, operationsList({ namespace, displayName: 'Microsoft Insights', operations })],
  };
}

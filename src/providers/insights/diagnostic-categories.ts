/** `sent`: there is a table for its events. `noneHere`: what would be told of does not exist in Kustody. `notBuilt`: it happens, and is not
 * told of. */
type CategoryEvents = 'sent' | 'noneHere' | 'notBuilt';

export interface DiagnosticCategory {
  readonly name: string;
  readonly kind: 'Logs' | 'Metrics';
  readonly groups: readonly ('allLogs' | 'audit')[];
  readonly events: CategoryEvents;
}

const log = (name: string, events: CategoryEvents, ...groups: DiagnosticCategory['groups']): DiagnosticCategory => ({
  ...{ name, kind: 'Logs', groups: ['allLogs', ...groups], events },
});
const activity = (name: string, events: CategoryEvents): DiagnosticCategory => ({
  ...{ name, kind: 'Logs', groups: [], events },
});
const allMetrics: DiagnosticCategory = { name: 'AllMetrics', kind: 'Metrics', groups: [], events: 'notBuilt' };

/** What each kind of source can send, by its type in lower case.
 * @see Azure Monitor, "Supported resource log categories" and "Categories in the activity log" */
const categoriesByType: Readonly<Record<string, readonly DiagnosticCategory[]>> = {
  'microsoft.keyvault/vaults': [
    log('AuditEvent', 'sent', 'audit'),
    log('AzurePolicyEvaluationDetails', 'noneHere'),
    allMetrics,
  ],
  'microsoft.kusto/clusters': [
    log('Command', 'sent'),
    log('Query', 'sent'),
    ...['SucceededIngestion', 'FailedIngestion', 'IngestionBatching', 'TableUsageStatistics', 'TableDetails'].map(
      (name) => log(name, 'notBuilt'),
    ),
    ...['Journal', 'DataOperation'].map((name) => log(name, 'notBuilt')),
    allMetrics,
  ],
  'microsoft.resources/subscriptions': [
    activity('Administrative', 'sent'),
    ...['Security', 'ServiceHealth', 'Alert', 'Recommendation', 'Policy', 'Autoscale', 'ResourceHealth'].map((name) =>
      activity(name, 'noneHere'),
    ),
  ],
};

/** @returns undefined for a type that has no diagnostic settings here */
export const categoriesOf = (sourceType: string): readonly DiagnosticCategory[] | undefined =>
  Object.hasOwn(categoriesByType, sourceType.toLowerCase()) ? categoriesByType[sourceType.toLowerCase()] : undefined;

import type { DiagnosticSetting } from '../../arm/diagnostic-settings.ts';
import { parseResourceId } from '../../arm/resource-path.ts';
import type { EventTable } from '../../audit/event-tables.ts';
import { categoriesOf } from './diagnostic-categories.ts';
import { enabledIn } from './setting-body.ts';

/** Those of the tables that a setting sends events to. */
export function enabledTables(
  { scope, logs }: Pick<DiagnosticSetting, 'scope' | 'logs'>,
  tables: readonly EventTable[],
): readonly EventTable[] {
  const known = categoriesOf(parseResourceId(scope)?.type ?? 'Microsoft.Resources/subscriptions') ?? [];
  const names = enabledIn(logs, known).map(({ name }) => name);
  return tables.filter(({ category }) => names.includes(category));
}

import type { DatabaseView, Policies, TableView } from '../catalog/catalog-view.ts';
import { inheritedPolicies } from '../catalog/cluster-settings.ts';
import { hidingTexts } from '../../kql/values/obfuscated.ts';
import { formatTimespan } from '../../kql/values/ticks.ts';
import type { CommandContext } from './command-context.ts';
import { accessById } from './permissions.ts';

/** How Kusto writes a policy: indented JSON, or `null` where none is set. What its queries hide is not shown. */
export const policyText = (policy: unknown): string =>
  policy === undefined ? 'null' : JSON.stringify(policy, hidingTexts, 2);

const timespanOfMs = (milliseconds: number): string => formatTimespan(BigInt(milliseconds) * 10_000n);

/** Policies of a database: what commands set, else what the resource manager says, else the service's default. */
export function databasePolicies(database: DatabaseView, context: CommandContext): Policies {
  const known = accessById(context.databases, database.databaseId);
  const hot = known?.hotCachePeriodMs;
  const span = timespanOfMs(known?.softDeletePeriodMs ?? unlimitedMs);
  return {
    ...inheritedPolicies(context.data.clusterSettings()),
    ...database.policies,
    retention: database.policies.retention ?? { SoftDeletePeriod: span, Recoverability: 'Enabled' },
    ...cachingOf(database, hot === undefined ? undefined : timespanOfMs(hot), context),
  };
}

/** What the database has, what the resource manager says of it, or what the cluster has for all. */
function cachingOf(
  { policies }: DatabaseView,
  hot: string | undefined,
  { data }: CommandContext,
): Pick<Policies, 'caching'> {
  if (policies.caching !== undefined) return {};
  if (hot !== undefined) return { caching: { DataHotSpan: hot, IndexHotSpan: hot } };
  const ofCluster = data.clusterSettings().policies['caching'] as Policies['caching'];
  return ofCluster === undefined ? {} : { caching: ofCluster };
}

/** 365,000 days. */
const unlimitedMs = 365_000 * 86_400_000;

/** What holds for a table: its own policies before its database's. */
export function effectivePolicies(table: TableView, database: DatabaseView, context: CommandContext): Policies {
  return { ...databasePolicies(database, context), ...table.policies };
}

import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Policies } from '../catalog/catalog-view.ts';
import { quotedName } from './schema-text.ts';

/** What scripts hold of policies: `.alter` commands that set them to what they are. */

/** Whose policies they are, as commands name it: `table T`. */
type Target = string;

/** A text as KQL takes it back. */
export const literal = (text: string): string => JSON.stringify(text);

const asJson = (policy: unknown): string => literal(JSON.stringify(policy));

const onOff = ({ IsEnabled }: { readonly IsEnabled: boolean }): string => String(IsEnabled);

function rowOrderText(policy: JsonObject): string {
  const order = Array.isArray(policy['RowOrder']) ? policy['RowOrder'].filter(isJsonObject) : [];
  const columns = order.map(({ ColumnName: name, IsDescending: down }) => {
    return `${quotedName(typeof name === 'string' ? name : '')} ${down === true ? 'desc' : 'asc'}`;
  });
  return `(${columns.join(', ')})`;
}

function cachingText({ DataHotSpan: rows, IndexHotSpan: index, HotWindows = [] }: NonNullable<Policies['caching']>) {
  const spans = rows === index ? `hot = time(${rows})` : `hotdata = time(${rows}) hotindex = time(${index})`;
  const windows = HotWindows.map(({ MinValue, MaxValue }) => {
    return `, hot_window = datetime(${MinValue}) .. datetime(${MaxValue})`;
  });
  return `${spans}${windows.join('')}`;
}

interface WriterRow {
  readonly name: keyof Policies;
  /** What stands after the name of the policy; undefined where it is not set. */
  readonly text: (policies: Policies, how: string) => string | undefined;
}

function writer<Name extends keyof Policies>(
  name: Name,
  write: (policy: NonNullable<Policies[Name]>, how: string) => string = asJson,
): WriterRow {
  return {
    name,
    text: (policies, how) => {
      const policy = policies[name];
      return policy === undefined ? undefined : write(policy, how);
    },
  };
}

/** In the order in which they are written. */
const writers: readonly WriterRow[] = [
  ...[writer('retention'), writer('caching', cachingText), writer('streamingingestion'), writer('ingestionbatching')],
  ...[writer('merge'), writer('sharding'), writer('partitioning'), writer('roworder', rowOrderText)],
  ...[writer('ingestiontime', onOff), writer('extent_tags_retention'), writer('auto_delete'), writer('update')],
  ...[writer('managed_identity'), writer('restricted_view_access', onOff)],
  writer('row_level_security', ({ IsEnabled, Query }, how) => {
    return `${IsEnabled ? 'enable' : 'disable'}${how} ${literal(Query)}`;
  }),
];

/** Who may see what: left out with `IncludeSecuritySettings=false`. */
export const securityPolicies: ReadonlySet<keyof Policies> = new Set(['restricted_view_access', 'row_level_security']);

/** @param wanted which of those that are set
 * @param how what `with (…)` says of row level security */
export function policyScript(
  target: Target,
  policies: Policies,
  wanted: (name: keyof Policies) => boolean,
  how = '',
): readonly string[] {
  return writers.flatMap(({ name, text }) => {
    const value = wanted(name) ? text(policies, how) : undefined;
    return value === undefined ? [] : [`.alter ${target} policy ${name} ${value}`];
  });
}

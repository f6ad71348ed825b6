import type { Json } from '../../base/json.ts';
import { regex } from '../../kql/algorithms/regex/regex.ts';
import type { ClusterSettings } from './cluster-setting.ts';
import { dataError } from './data-error.ts';

/** Where a cluster may call to. @see Kusto "Callout policy" */
export interface CalloutPolicy {
  readonly CalloutType: string;
  readonly CalloutUriRegex: string;
  readonly CanCall: boolean;
}

export const calloutTypes: readonly string[] = [
  ...['kusto', 'sql', 'mysql', 'postgresql', 'azure_digital_twins', 'cosmosdb', 'sandbox_artifacts', 'external_data'],
  ...['webapi', 'azure_openai'],
];

/** What every cluster has, and nobody can change: those that Microsoft's page lists. */
export const immutableCallouts: readonly CalloutPolicy[] = (
  [
    ['kusto', String.raw`[a-z0-9]{3,22}\.(\w+\.)?kusto(mfa)?\.windows\.net/?$`],
    [
      'kusto',
      String.raw`^https://[a-z0-9]{3,22}\.[a-z0-9-]{1,50}\.(kusto\.azuresynapse|kustodev\.azuresynapse-dogfood)\.net/?$`,
    ],
    [
      'kusto',
      String.raw`^https://([A-Za-z0-9]+\.)?(ade|adx)\.(int\.|aimon\.)?(applicationinsights|loganalytics|monitor)\.(io|azure\.com)/`,
    ],
    ['sql', String.raw`[a-z0-9][a-z0-9\-]{0,61}[a-z0-9]?\.database\.windows\.net/?$`],
    ['sql', String.raw`[a-z0-9-]{0,61}?(-ondemand)?\.sql\.azuresynapse(-dogfood)?\.net/?$`],
    ['external_data', '.*'],
    ['azure_digital_twins', String.raw`[A-Za-z0-9\-]{3,63}\.api\.[A-Za-z0-9]+\.digitaltwins\.azure\.net/?$`],
  ] as const
).map(([CalloutType, CalloutUriRegex]) => ({ CalloutType, CalloutUriRegex, CanCall: true }));

const name = 'callout';

/** Those that commands have set. */
export const calloutsOf = ({ policies }: ClusterSettings): readonly CalloutPolicy[] =>
  (policies[name] ?? []) as unknown as readonly CalloutPolicy[];

/** @param callouts undefined: as if nobody had set any */
export function withCallouts(
  settings: ClusterSettings,
  callouts: readonly CalloutPolicy[] | undefined,
): ClusterSettings {
  const others = Object.entries(settings.policies).filter(([other]) => other !== name);
  const own: readonly [string, Json][] = callouts === undefined ? [] : [[name, callouts.map((one) => ({ ...one }))]];
  return { ...settings, policies: Object.fromEntries([...others, ...own]) };
}

/** Something must allow the address, and nothing deny it.
 * @param address without signature and key @throws DataError `SourceNotAllowed` */
export function requireCallout(settings: ClusterSettings, type: string, address: string): void {
  const matching = [...immutableCallouts, ...calloutsOf(settings)].filter(
    ({ CalloutType, CalloutUriRegex }) => CalloutType === type && regex(CalloutUriRegex).test(address),
  );
  if (matching.length > 0 && matching.every(({ CanCall }) => CanCall)) return;
  throw dataError(
    'SourceNotAllowed',
    `The callout policy of the cluster does not allow '${address.slice(0, 1_000)}' (callout type '${type}').`,
  );
}

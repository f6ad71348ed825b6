import type { RowOperator } from './plugins/row-operator.ts';
import { activityPlugins } from './plugins/activity-plugins.ts';
import { bagPlugins } from './plugins/bag-plugins.ts';
import { funnelPlugins } from './plugins/funnel-plugins.ts';
import { geoLookups } from './plugins/geo-lookups.ts';
import { graphRowOperators } from './graph/operators.ts';
import { lookupPlugins } from './plugins/lookup-plugins.ts';
import { miningPlugins } from './plugins/mining-plugins.ts';
import { pivot } from './plugins/pivot-plugin.ts';
import { reduceOperators } from './plugins/reduce.ts';
import { scanOperators } from './scan/scan.ts';
import { schemaPlugins } from './plugins/schema-merge.ts';
import { sequencePlugins } from './plugins/sequence-detect.ts';
import { sessionPlugins } from './plugins/session-plugins.ts';
import { textPatterns } from './plugins/text-patterns.ts';
import { windowPlugins } from './plugins/window-plugins.ts';

/** Row operators by the name of their `rowwise` node: scan, reduce, plugins of `evaluate`, graph operators.
 *
 * How to add a plugin: its name in `pluginShapes` (plan/row-settings.ts) and a row in a file of `plugins/`. It gets its rows as
 * arrays (`inputs[0]`), constant arguments as cells of `inputs[1]`, table arguments as further inputs; `argumentsOf` in
 * plugin-arguments.ts reads them. It returns rows for `cols`, by position. */
export const rowOperatorsByName: Readonly<Record<string, RowOperator>> = {
  ...scanOperators,
  ...reduceOperators,
  ...bagPlugins,
  pivot,
  ...windowPlugins,
  ...activityPlugins,
  ...sessionPlugins,
  ...sequencePlugins,
  ...funnelPlugins,
  ...lookupPlugins,
  ...geoLookups,
  ...miningPlugins,
  ...textPatterns,
  ...schemaPlugins,
  ...graphRowOperators,
};

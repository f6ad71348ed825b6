import type { RowOperator } from './row-operator.ts';

/** Activity, session, funnel and window plugins. */
export const activityPlugins: Readonly<Record<string, RowOperator>> = {};

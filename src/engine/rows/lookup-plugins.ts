import type { RowOperator } from './row-operator.ts';

/** ipv4_lookup, ipv6_lookup, geo_polygon_lookup, geo_line_lookup. */
export const lookupPlugins: Readonly<Record<string, RowOperator>> = {};

import { invariant } from '../../base/invariant.ts';
import type { PluginSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import { geoFunctions } from '../functions/geo.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { lookupRow } from './lookup-columns.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { columnIndex } from './row-operator.ts';

/** Comparisons of points with shapes that one lookup may take. */
const comparisonsMax = 5_000_000;

function geoFunction(name: string): NativeFunction['run'] {
  const [fn] = geoFunctions[name]?.natives ?? [];
  invariant(fn, 'the geometry functions are native');
  return fn.run;
}

/** `geo_polygon_lookup(Table, shape, x, y[, radius][, return_unmatched][, return_lookup_key])`: every shape that holds the
 * point, or is at most `radius` metres away, gives a row. Lines need a radius.
 * @see Kusto documentation, geo_polygon_lookup and geo_line_lookup plugins */
const geoLookup =
  (plugin: string, distanceFunction: string, containment: string | undefined): RowOperator =>
  (call) => {
    const args = argumentsOf(call, plugin);
    const table = args.table(0);
    const { args: raw } = call.settings as PluginSettings;
    const shapeName = raw[1]?.k === 'column' ? raw[1].name : undefined;
    const [x, y] = [args.column(2), args.column(3)];
    const shape = shapeName === undefined ? -1 : columnIndex(table, shapeName);
    if (shape < 0)
      throw new KqlError('semantic', `evaluate ${plugin}(): the shape must be a column of the lookup table.`);
    const radius = args.constant(4, 'radius');
    const unmatched = args.constant(5, 'return_unmatched') === true;
    if (radius === undefined && containment === undefined)
      throw new KqlError('semantic', `evaluate ${plugin}(): a radius is needed.`);
    if (args.rows.rows.length * table.rows.length > comparisonsMax)
      throw new KqlError('limits', `evaluate ${plugin}(): more than ${comparisonsMax} comparisons.`);
    const within = containment === undefined ? undefined : geoFunction(containment);
    const distance = geoFunction(distanceFunction);
    const limit = Number(radius ?? 0);
    const matches = (point: readonly NativeValue[], geometry: NativeValue): boolean => {
      if (within?.([...point, geometry]) === true) return true;
      if (radius === undefined) return false;
      const metres = distance([...point, geometry]);
      return typeof metres === 'number' && metres <= limit;
    };
    const cols = call.cols;
    invariant(cols, 'the binder gives the columns of a lookup');
    // The shapes themselves are there only when asked for.
    const withShape = args.constant(7, 'return_lookup_key') === true;
    const rowOf = lookupRow(cols, args.rows, table, (name) => withShape || name !== shapeName);
    const rows: NativeValue[][] = [];
    for (const row of args.rows.rows) {
      const point = [row[x] ?? null, row[y] ?? null];
      const known = point.includes(null) ? [] : table.rows.filter((other) => matches(point, other[shape] ?? null));
      for (const match of known.length > 0 ? known : unmatched ? [undefined] : []) rows.push(rowOf(row, match));
    }
    return { cols, rows };
  };

export const geoLookups: Readonly<Record<string, RowOperator>> = {
  geo_polygon_lookup: geoLookup('geo_polygon_lookup', 'geo_distance_point_to_polygon', 'geo_point_in_polygon'),
  geo_line_lookup: geoLookup('geo_line_lookup', 'geo_distance_point_to_line', undefined),
};

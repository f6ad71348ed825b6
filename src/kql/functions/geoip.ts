import { KqlError } from '../plan/kql-error.ts';
import type { GeoipDatabase } from '../algorithms/geo/geoip.ts';
import { native, withoutRun } from '../sql/native-row.ts';
import type { FunctionRows } from '../sql/scope.ts';

/** The rows that look into a database of places, which is not opened before somebody asks.
 * @param database undefined: there is none, and whoever asks is told how to give one */
export function geoipFunctions(database: GeoipDatabase | undefined): FunctionRows {
  const given = (at?: number): GeoipDatabase => {
    if (database !== undefined) return database;
    throw new KqlError(
      'notSupported',
      "'geo_info_from_ip_address' is not supported without a database of your own: start Kustody with --geoip-database FILE, a city database in MMDB format.",
      at,
    );
  };
  const geoInfo = native('geo_info_from_ip_address', ['string'], 'dynamic', ([address]) => {
    return given().find(String(address)) ?? null;
  });
  return {
    geo_info_from_ip_address: {
      ...withoutRun(geoInfo),
      sql: (args, call, scope) => {
        given(call.at);
        return geoInfo.sql(args, call, scope);
      },
    },
  };
}

import { KqlError } from '../plan/kql-error.ts';
import { GeoipDatabase } from '../algorithms/geo/geoip.ts';
import { native, withoutRun } from '../sql/native-row.ts';
import type { FunctionRows } from '../sql/scope.ts';

let database: GeoipDatabase | undefined;

/** Gives this process the database of places: a process has one engine and works for one cluster. It is not opened before somebody asks.
 * @param path absolute; undefined: there is none */
export function useGeoipDatabase(path: string | undefined): void {
  database = path === undefined ? undefined : new GeoipDatabase(path);
}

function databaseGiven(at?: number): GeoipDatabase {
  if (database !== undefined) return database;
  throw new KqlError(
    'notSupported',
    "'geo_info_from_ip_address' is not supported without a database of your own: start Kustody with --geoip-database FILE, a city database in MMDB format.",
    at,
  );
}

const geoInfo = native('geo_info_from_ip_address', ['string'], 'dynamic', ([address]) => {
  return databaseGiven().find(String(address)) ?? null;
});

export const geoipFunctions: FunctionRows = {
  geo_info_from_ip_address: {
    ...withoutRun(geoInfo),
    sql: (args, call, scope) => {
      databaseGiven(call.at);
      return geoInfo.sql(args, call, scope);
    },
  },
};

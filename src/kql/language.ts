import { invariant } from '../base/invariant.ts';
import { aggregateRows } from './aggregates/table.ts';
import { GeoipDatabase } from './algorithms/geo/geoip.ts';
import { geoipFunctions } from './functions/geoip.ts';
import { functionRows } from './functions/table.ts';
import { windowFunctions } from './functions/window.ts';
import { operatorCompilers, operatorNatives } from './operators/table.ts';
import type { FunctionFactsByName } from './plan/function-facts.ts';
import { factsOf } from './plan/function-facts.ts';
import { conversionNatives } from './sql/convert-natives.ts';
import type { NativeFunction } from './sql/native.ts';
import type { Language } from './sql/scope.ts';

/** The rows of every function, aggregate and operator of KQL, handed to whoever compiles a query. */
export const language: Language = {
  functions: functionRows,
  aggregates: aggregateRows,
  windows: windowFunctions,
  operators: operatorCompilers,
};

/** The same with a database of places. @param path absolute; undefined: there is none */
export const languageWith = (path: string | undefined): Language => ({
  ...language,
  functions: { ...functionRows, ...geoipFunctions(path === undefined ? undefined : new GeoipDatabase(path)) },
});

/** What the parser is to know of them. */
export const functionFacts: FunctionFactsByName = factsOf({ ...aggregateRows, ...functionRows, ...windowFunctions });

/** The functions in JavaScript that some row needs, for whoever opens an engine database. */
export function nativesOf({ functions, aggregates, windows }: Language): readonly NativeFunction[] {
  const rows = [...Object.values(functions), ...Object.values(aggregates), ...Object.values(windows)];
  const all = [...conversionNatives, ...operatorNatives, ...rows.flatMap((row) => row.natives ?? [])];
  const byName = new Map(all.map((fn) => [fn.name, fn]));
  invariant(
    all.every((fn) => byName.get(fn.name) === fn),
    'two native functions do not have one name',
  );
  return [...byName.values()];
}

export const natives: readonly NativeFunction[] = nativesOf(language);

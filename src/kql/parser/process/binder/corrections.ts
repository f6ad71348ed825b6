import { constantCorrections } from './constants.ts';
import type { Correction } from './correction.ts';
import { openSchemaCorrections } from './open-schemas.ts';
import { operatorCorrections } from './operators.ts';
import { originCorrections } from './origins.ts';
import { parameterCorrections } from './parameters.ts';
import { projectionCorrections } from './projections.ts';
import { unionCorrections } from './unions.ts';
import { wildcardCorrections } from './wildcards.ts';

/** What the official binder reads otherwise than the engine. It is corrected in the binder, because that decides what the operators that
 * follow are bound to. Of several for one function, a later one is around those before it. */
export const corrections: readonly Correction[] = [
  ...projectionCorrections,
  ...operatorCorrections,
  ...unionCorrections,
  ...wildcardCorrections,
  ...openSchemaCorrections,
  ...constantCorrections,
  ...originCorrections,
  ...parameterCorrections,
];

export function correctBinder(): void {
  for (const { apply } of corrections) apply();
}

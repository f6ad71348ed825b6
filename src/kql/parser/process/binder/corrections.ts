import { commandQueryCorrections } from './command-queries.ts';
import { constantCorrections } from './constants.ts';
import type { Correction } from './correction.ts';
import { openSchemaCorrections } from './open-schemas.ts';
import { operatorCorrections } from './operators.ts';
import { originCorrections } from './origins.ts';
import { parameterCorrections } from './parameters.ts';
import { projectionCorrections } from './projections.ts';
import { spellingCorrections } from './spellings.ts';
import { sharedBodyShortcuts } from './shared-bodies.ts';
import { unifiedColumnShortcuts } from './unified-columns.ts';
import { unionCorrections } from './unions.ts';
import { wildcardCorrections } from './wildcards.ts';

/** What the official parser and binder read otherwise than the engine. It is corrected there, because the binder decides what the operators that
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
  ...spellingCorrections,
  ...commandQueryCorrections,
];

export function correctBinder(): void {
  for (const { apply } of [...corrections, ...unifiedColumnShortcuts, ...sharedBodyShortcuts]) apply();
}

import type { FunctionRows } from '../sql/scope.ts';
import { comparisonFunctions } from './comparison.ts';
import { arithmeticFunctions } from './arithmetic.ts';
import { conversionFunctions } from './conversion.ts';
import { conditionalFunctions } from './conditional.ts';
import { stringFunctions } from './string.ts';
import { termFunctions } from './terms.ts';
import { mathFunctions } from './math.ts';
import { datetimeFunctions } from './datetime.ts';
import { dynamicFunctions } from './dynamic.ts';
import { contextFunctions } from './context.ts';
import { arrayFunctions } from './array.ts';
import { bagFunctions } from './bag.ts';
import { datetimeTextFunctions } from './datetime-text.ts';
import { encodingFunctions } from './encoding.ts';
import { hashFunctions } from './hash.ts';
import { ipFunctions } from './ip.ts';
import { parseTextFunctions } from './parse-text.ts';
import { geoFunctions } from './geo.ts';
import { seriesFunctions } from './series.ts';
import { unitFunctions } from './unit.ts';
import { sketchFunctions } from './sketch.ts';
import { statisticsFunctions } from './statistics.ts';
import { legacyFunctions } from './legacy.ts';
import { geoipFunctions } from './geoip.ts';
import { userAgentFunctions } from './user-agent.ts';
import { xmlFunctions } from './xml.ts';

/** All scalar functions and operators by KQL name. One row each, in the file of its family.
 *
 * How to add a function: one row in its family's file.
 * - in SQL: `name: { result: 'long', sql: ([a, b]) => sql`…${cast(a, 'string')}…` }` (see sql/scope.ts, sql/fragment.ts; macros are in sql/macros.ts);
 * - in JavaScript: `name: native('name', ['string', 'long'], 'dynamic', ([text, n]) => …, { defaults: [0] })`
 *   (see sql/native-row.ts). Put long computations in pure modules under `algorithms/` and keep the row short.
 * Null in gives null out unless `{ nulls: true }`; a string result of null becomes ''. What is not here is refused by name. */
export const functionRows: FunctionRows = {
  ...comparisonFunctions,
  ...arithmeticFunctions,
  ...conversionFunctions,
  ...conditionalFunctions,
  ...stringFunctions,
  ...termFunctions,
  ...mathFunctions,
  ...datetimeFunctions,
  ...dynamicFunctions,
  ...contextFunctions,
  ...arrayFunctions,
  ...bagFunctions,
  ...datetimeTextFunctions,
  ...encodingFunctions,
  ...hashFunctions,
  ...ipFunctions,
  ...parseTextFunctions,
  ...geoFunctions,
  ...seriesFunctions,
  ...unitFunctions,
  ...sketchFunctions,
  ...statisticsFunctions,
  ...geoipFunctions(undefined),
  ...userAgentFunctions,
  ...xmlFunctions,
  ...legacyFunctions,
};

import type { FunctionRows } from './scope.ts';
import { comparisonFunctions } from '../functions/comparison.ts';
import { arithmeticFunctions } from '../functions/arithmetic.ts';
import { conversionFunctions } from '../functions/conversion.ts';
import { conditionalFunctions } from '../functions/conditional.ts';
import { stringFunctions } from '../functions/string.ts';
import { termFunctions } from '../functions/terms.ts';
import { mathFunctions } from '../functions/math.ts';
import { datetimeFunctions } from '../functions/datetime.ts';
import { dynamicFunctions } from '../functions/dynamic.ts';
import { contextFunctions } from '../functions/context.ts';
import { arrayFunctions } from '../functions/array.ts';
import { bagFunctions } from '../functions/bag.ts';
import { datetimeTextFunctions } from '../functions/datetime-text.ts';
import { encodingFunctions } from '../functions/encoding.ts';
import { hashFunctions } from '../functions/hash.ts';
import { ipFunctions } from '../functions/ip.ts';
import { parseTextFunctions } from '../functions/parse-text.ts';
import { geoFunctions } from '../functions/geo.ts';
import { seriesFunctions } from '../functions/series.ts';
import { unitFunctions } from '../functions/unit.ts';
import { sketchFunctions } from '../functions/sketch.ts';
import { statisticsFunctions } from '../functions/statistics.ts';
import { legacyFunctions } from '../functions/legacy.ts';
import { geoipFunctions } from '../functions/geoip.ts';
import { userAgentFunctions } from '../functions/user-agent.ts';
import { xmlFunctions } from '../functions/xml.ts';

/** All scalar functions and operators by KQL name. One row each, in the file of its family.
 *
 * How to add a function: one row in its family's file under `functions/`.
 * - in SQL: `name: { result: 'long', sql: ([a, b]) => `…${cast(a, 'string')}…` }` (see scope.ts; macros are in duckdb/macros.ts);
 * - in JavaScript: `name: native('name', ['string', 'long'], 'dynamic', ([text, n]) => …, { defaults: ['0'] })`
 *   (see native.ts). Put long computations in pure modules under `native/` and keep the row short.
 * Null in gives null out unless `{ nulls: true }`; a string result of null becomes ''. What is not here is refused by name. */
export const functionRows = (): FunctionRows => (rows ??= collected());
let rows: FunctionRows | undefined;

/** Put together when first asked for: the families refer back to the translation of expressions, so at load time some are not there yet. */
const collected = (): FunctionRows => ({
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
  ...geoipFunctions,
  ...userAgentFunctions,
  ...xmlFunctions,
  ...legacyFunctions,
});

import type { FunctionRows } from './scope.ts';
import { comparisonFunctions } from './functions/comparison.ts';
import { arithmeticFunctions } from './functions/arithmetic.ts';
import { conversionFunctions } from './functions/conversion.ts';
import { conditionalFunctions } from './functions/conditional.ts';
import { stringFunctions } from './functions/string.ts';
import { termFunctions } from './functions/terms.ts';
import { mathFunctions } from './functions/math.ts';
import { datetimeFunctions } from './functions/datetime.ts';
import { dynamicFunctions } from './functions/dynamic.ts';
import { contextFunctions } from './functions/context.ts';

/** All scalar functions and operators by KQL name. One row each, in the file of its family. */
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
};

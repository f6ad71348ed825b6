import { arrayFunctions } from './arrays.ts';
import { cidrFunctions } from './cidr.ts';
import { dateFunctions } from './dates.ts';
import type { FunctionRow, FunctionRows } from './function-row.ts';
import { lambdaFunctions } from './lambdas.ts';
import { numericFunctions } from './numbers.ts';
import { comparisonFunctions, logicalFunctions, objectFunctions } from './objects.ts';
import { deploymentFunctions, listRow, resourceFunctions, scopeFunctions } from './resources.ts';
import { stringFunctions } from './strings.ts';

/** Every function of the expression language. */
export const templateFunctions: FunctionRows = {
  ...arrayFunctions,
  ...cidrFunctions,
  ...comparisonFunctions,
  ...dateFunctions,
  ...deploymentFunctions,
  ...lambdaFunctions,
  ...logicalFunctions,
  ...numericFunctions,
  ...objectFunctions,
  ...resourceFunctions,
  ...scopeFunctions,
  ...stringFunctions,
};

const byName = new Map(Object.entries(templateFunctions).map(([name, row]) => [name.toLowerCase(), { name, row }]));

/** Names are the same in any case. */
export function findFunction(name: string): { readonly name: string; readonly row: FunctionRow } | undefined {
  const found = byName.get(name.toLowerCase());
  if (found !== undefined) return found;
  return /^list[A-Za-z]{1,60}$/i.test(name) ? { name, row: listRow(name) } : undefined;
}

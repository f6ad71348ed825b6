import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { dataError } from '../catalog/data-error.ts';

const options = ['DoNotValidate', 'ValidateCsvInputConstantColumns', 'ValidateCsvInputColumnLevelOnly'];
const implications = ['Fail', 'BestEffort'];

/** Whether a validation policy asks that all records of a delimited file have as many fields as its first one. What it only makes a remark of
 * (`BestEffort`, as without a policy) is not asked; data of other formats has no fields to count.
 * @param text JSON of `ValidationOptions` and `ValidationImplications`, by number or name
 * @throws DataError `MalformedIngestionProperty`, also for the one check that is not built
 * @see Kusto "Ingestion properties" */
export function asksConstantFields(text: string | undefined): boolean {
  if (text === undefined) return false;
  let value: Json | undefined;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    value = undefined;
  }
  const malformed = (): Error =>
    dataError('MalformedIngestionProperty', "The property 'validationPolicy' is no validation policy.");
  if (!isJsonObject(value)) throw malformed();
  const members = new Map(Object.entries(value).map(([name, one]) => [name.toLowerCase(), one]));
  const numberOf = (name: string, names: readonly string[], otherwise: number): number => {
    const given = members.get(name) ?? otherwise;
    const found =
      typeof given === 'string' ? names.findIndex((one) => one.toLowerCase() === given.toLowerCase()) : given;
    if (typeof found !== 'number' || names[found] === undefined) throw malformed();
    return found;
  };
  const wanted = options[numberOf('validationoptions', options, 1)];
  const implication = implications[numberOf('validationimplications', implications, 1)];
  if (wanted === 'DoNotValidate' || implication === 'BestEffort') return false;
  if (wanted === 'ValidateCsvInputConstantColumns') return true;
  throw dataError(
    'MalformedIngestionProperty',
    "The property 'validationPolicy' asks for ValidateCsvInputColumnLevelOnly, which is not built.",
  );
}

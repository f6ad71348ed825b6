import { Value } from '@sinclair/typebox/value';
import type { Json, JsonObject } from '../../base/json.ts';
import { bodyProperties } from './cluster-store.ts';
import { isKnownIn } from './cluster-settings.ts';
import { kustoError } from './kusto-errors.ts';
import type { ChildForm, ChildKind, PropertyRow, WantedChild } from './child-kind.ts';

/** The form that a body names, in any case.
 * @throws ArmError 400 for none, or for one that the api-version does not know; 501 for one that only Azure has */
export function formOf(kind: ChildKind, body: JsonObject, apiVersion: string): string {
  const names = Object.keys(kind.forms).filter((name) => isKnownIn(apiVersion, kind.forms[name]?.since));
  if (names.length === 1 && names[0] === '') return '';
  const { kind: sent } = body;
  if (sent === undefined || sent === null) throw kustoError('MissingProperty', 'kind');
  const lower = typeof sent === 'string' ? sent.toLowerCase() : '';
  const found = names.find((name) => name.toLowerCase() === lower);
  if (found !== undefined) return found;
  for (const [name, since] of Object.entries(kind.formsNotBuilt ?? {}))
    if (name.toLowerCase() === lower && isKnownIn(apiVersion, since))
      throw kustoError('NotBuilt', `${kind.noun}s of kind ${name}`);
  throw kustoError('InvalidValue', 'kind', names.map((name) => `'${name}'`).join(' or '));
}

/** @param held what the child has, for a PATCH: what is absent stays
 * @throws ArmError 400 for what is missing or no such child can have; 501 for what only Azure has */
export function readValues(
  form: ChildForm,
  body: JsonObject,
  apiVersion: string,
  held: JsonObject | undefined,
): JsonObject {
  const sent = bodyProperties(body);
  const values: Record<string, Json> = {};
  for (const [name, row] of Object.entries(form.properties)) {
    const value = isKnownIn(apiVersion, row.since) ? readValue(name, row, sent[name], held?.[name]) : held?.[name];
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function readValue(name: string, row: PropertyRow, sent: Json | undefined, held: Json | undefined): Json | undefined {
  const value = sent === undefined ? held : sent;
  if (value === undefined || value === null) {
    if (row.required === true) throw kustoError('MissingProperty', name);
    return undefined;
  }
  const inRow = typeof value === 'string' ? inCaseOf(row, value) : value;
  if (!Value.Check(row.shape, inRow)) throw kustoError('InvalidValue', name, row.expected);
  const notBuilt = row.notBuilt?.(inRow);
  if (notBuilt !== undefined) throw kustoError('NotBuilt', notBuilt);
  return inRow;
}

/** Names of a fixed set are taken in any case and kept in theirs. */
function inCaseOf({ shape }: PropertyRow, value: string): string {
  const options: unknown = shape['anyOf'];
  if (!Array.isArray(options)) return value;
  const constants = options.map((option: { const?: unknown }) => option.const);
  return (
    constants.find((one): one is string => typeof one === 'string' && one.toLowerCase() === value.toLowerCase()) ??
    value
  );
}

/** Without secrets, as the first answer repeats them. */
export const sentValues = (form: ChildForm, body: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(form.properties)
      .filter(([name, row]) => row.secret !== true && bodyProperties(body)[name] !== undefined)
      .map(([name]) => [name, bodyProperties(body)[name] ?? null]),
  );

/** Values and what is unset, as the api-version asked for shows them. */
export const shownValues = (form: ChildForm, { values }: Pick<WantedChild, 'values'>, apiVersion: string): JsonObject =>
  Object.fromEntries(
    Object.entries(form.properties)
      .filter(([name, row]) => row.secret !== true && (name in values || row.unset !== undefined))
      .filter(([, row]) => isKnownIn(apiVersion, row.since))
      .map(([name, row]) => [name, values[name] ?? row.unset ?? null]),
  );

import { existsSync, readFileSync } from 'node:fs';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { UserError } from '../user-error.ts';

/** Parameters of a deployment from files and from `NAME=VALUE`; what is said later wins.
 * @returns `{ name: { value } }` @throws UserError */
export function readParameters(given: readonly string[]): JsonObject {
  const all: Record<string, Json> = {};
  for (const text of given) {
    const at = text.indexOf('=');
    if (at < 1 || existsSync(text)) Object.assign(all, parametersIn(text));
    else all[text.slice(0, at)] = { value: valueOf(text.slice(at + 1)) };
  }
  return all;
}

/** A parameter file, with or without the heading that such files have. */
function parametersIn(file: string): JsonObject {
  const read = readJsonFile(file);
  return isJsonObject(read['parameters']) ? read['parameters'] : read;
}

/** JSON where it is some, else a text. */
function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** @throws UserError for what is no JSON object */
export function readJsonFile(file: string): JsonObject {
  const text = readFileSync(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (isJsonObject(value)) return value;
  throw new UserError(`${file} holds no JSON object.`);
}

import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import type { UserFunction } from './evaluate.ts';
import { NotBuiltInTemplates, TemplateError } from './expressions/template-error.ts';

/** The service's own limits. @see "Template limits" of the resource manager's documentation, where variables were 256 until 2025 */
export const templateLimits = { parameters: 256, variables: 512, resources: 800, outputs: 64 } as const;

/** A template, taken apart; nothing in it is evaluated. */
export interface Template {
  readonly json: JsonObject;
  readonly contentVersion: string;
  /** Resources have symbolic names. */
  readonly isSymbolic: boolean;
  readonly parameters: Readonly<Record<string, JsonObject>>;
  readonly variables: JsonObject;
  readonly functions: ReadonlyMap<string, UserFunction>;
  readonly definitions: JsonObject;
  readonly resources: readonly TemplateResource[];
  readonly outputs: Readonly<Record<string, JsonObject>>;
}

export interface TemplateResource {
  readonly symbol: string | undefined;
  readonly json: JsonObject;
  /** Where it stands, from the top of the template. */
  readonly path: readonly (string | number)[];
}

/** @throws TemplateError; NotBuiltInTemplates for languages and parts that Kustody has not */
export function readTemplate(json: Json | undefined): Template {
  if (!isJsonObject(json)) throw new TemplateError('The template must be a JSON object.', []);
  if (typeof json['$schema'] !== 'string') throw missing('$schema');
  if (typeof json['contentVersion'] !== 'string') throw missing('contentVersion');
  const isSymbolic = isSymbolicLanguage(json);
  for (const name of ['imports', 'extensions', 'rules'])
    if (Object.keys(isJsonObject(json[name]) ? json[name] : {}).length > 0)
      throw new NotBuiltInTemplates(`template section ${name}`);
  return {
    json,
    contentVersion: json['contentVersion'],
    isSymbolic,
    parameters: objectsIn(json, 'parameters'),
    variables: section(json, 'variables'),
    functions: functionsIn(json),
    definitions: section(json, 'definitions'),
    resources: resourcesIn(json['resources'], isSymbolic),
    outputs: objectsIn(json, 'outputs'),
  };
}

const missing = (name: string): TemplateError =>
  new TemplateError(`Required property '${name}' not found in JSON. Path ''.`, []);

function isSymbolicLanguage(json: JsonObject): boolean {
  const version = json['languageVersion'];
  if (version === undefined || version === '1.0') return false;
  if (version === '2.0') return true;
  throw new NotBuiltInTemplates(`template language version ${textMember(json, 'languageVersion').slice(0, 40)}`);
}

function section(json: JsonObject, name: 'parameters' | 'variables' | 'outputs' | 'definitions'): JsonObject {
  const value = json[name];
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw new TemplateError(`The template section '${name}' must be a JSON object.`, [name]);
  const limit = name === 'definitions' ? Infinity : templateLimits[name];
  const count = Object.keys(value).length;
  if (count > limit) {
    throw new TemplateError(
      `The number of template ${name} limit exceeded. Limit: '${limit}' and actual: '${count}'. Please see https://aka.ms/arm-syntax for usage details.`,
      [name],
    );
  }
  return value;
}

function objectsIn(json: JsonObject, name: 'parameters' | 'outputs'): Readonly<Record<string, JsonObject>> {
  const members = Object.entries(section(json, name)).map(([member, value]) => {
    if (!isJsonObject(value))
      throw new TemplateError(`The template ${name.slice(0, -1)} '${member}' is not valid.`, [name, member]);
    return [member, value] as const;
  });
  return Object.fromEntries(members);
}

function functionsIn(json: JsonObject): ReadonlyMap<string, UserFunction> {
  const found = new Map<string, UserFunction>();
  const groups = json['functions'];
  if (groups === undefined) return found;
  if (!Array.isArray(groups))
    throw new TemplateError("The template section 'functions' must be an array.", ['functions']);
  for (const group of groups as readonly Json[]) {
    const namespace = isJsonObject(group) ? group['namespace'] : undefined;
    const members = isJsonObject(group) && isJsonObject(group['members']) ? group['members'] : {};
    if (typeof namespace !== 'string')
      throw new TemplateError('A function of the template has no namespace.', ['functions']);
    for (const [name, member] of Object.entries(members)) {
      const output = isJsonObject(member) && isJsonObject(member['output']) ? member['output'] : undefined;
      if (output === undefined || !isJsonObject(member))
        throw new TemplateError(`The function '${namespace}.${name}' of the template has no output.`, ['functions']);
      const parameters = Array.isArray(member['parameters']) ? (member['parameters'] as readonly Json[]) : [];
      const names = parameters.map((parameter) => (isJsonObject(parameter) ? textMember(parameter, 'name') : ''));
      found.set(`${namespace}.${name}`.toLowerCase(), { parameters: names, output: output['value'] ?? null });
    }
  }
  return found;
}

function resourcesIn(value: Json | undefined, isSymbolic: boolean): readonly TemplateResource[] {
  const path = ['resources'];
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    return value.map((json: Json, at) => ({
      symbol: undefined,
      json: requireObject(json, [...path, at]),
      path: [...path, at],
    }));
  }
  if (!isSymbolic || !isJsonObject(value))
    throw new TemplateError("The template section 'resources' must be an array.", path);
  return Object.entries(value).map(([symbol, json]) => ({
    symbol,
    json: requireObject(json, [...path, symbol]),
    path: [...path, symbol],
  }));
}

function requireObject(json: Json | undefined, path: readonly (string | number)[]): JsonObject {
  if (!isJsonObject(json)) throw new TemplateError('A resource of the template is not a JSON object.', path);
  return json;
}

import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { EvaluationScope } from './evaluate.ts';
import { evaluateValue } from './evaluate.ts';
import type { Template } from './template.ts';
import { templateLimits } from './template.ts';
import { TemplateError } from './expressions/template-error.ts';
import { boundedTogether } from './expressions/value-size.ts';
import { memberOf, membersOf, typeNameOf } from './expressions/values.ts';

export interface ParameterValue {
  /** As the template writes it. */
  readonly name: string;
  /** `String`, `SecureString`, …: as answers show it. */
  readonly type: string;
  readonly isSecure: boolean;
  readonly value: Json;
  /** Where the value was read: a secret of a vault. It is shown in place of the value. */
  readonly reference?: Json;
}

const help = 'Please see https://aka.ms/arm-create-parameter-file for usage details.';

const typeNames: Readonly<Record<string, string>> = {
  ...{ string: 'String', securestring: 'SecureString', int: 'Int', bool: 'Bool' },
  ...{ object: 'Object', secureobject: 'SecureObject', array: 'Array' },
};

/** The values of a template's parameters: those given, else their defaults.
 * @param given `{ "name": { "value": … } }`
 * @param scopeOf what default values can use; they see one another
 * @throws TemplateError */
export function resolveParameters(
  template: Template,
  given: JsonObject,
  scopeOf: (parameter: (name: string) => Json) => EvaluationScope,
): ReadonlyMap<string, ParameterValue> {
  refuseUnknown(template, given);
  const values = new Map<string, ParameterValue>();
  const under = new Set<string>();
  const bounded = boundedTogether('parameters');
  const resolve = (name: string): ParameterValue => {
    const key = name.toLowerCase();
    const found = values.get(key);
    if (found !== undefined) return found;
    const declared = Object.keys(template.parameters).find((candidate) => candidate.toLowerCase() === key);
    if (declared === undefined) {
      throw new TemplateError(
        `The template parameter '${name}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details.`,
      );
    }
    if (under.has(key)) throw new TemplateError(`The template parameter '${declared}' refers to itself. ${help}`);
    under.add(key);
    const value = resolveOne(
      template,
      declared,
      given,
      scopeOf((other) => resolve(other).value),
    );
    bounded(value.value);
    values.set(key, value);
    return value;
  };
  for (const name of Object.keys(template.parameters)) resolve(name);
  return values;
}

function refuseUnknown(template: Template, given: JsonObject): void {
  const known = Object.keys(template.parameters);
  const declaredAs = membersOf(template.parameters);
  const unknown = Object.keys(given).filter((name) => declaredAs(name) === undefined);
  if (unknown.length === 0) return;
  throw new TemplateError(
    `The template parameters '${unknown.slice(0, templateLimits.parameters).join(', ')}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. ` +
      `The only supported parameters for this template are '${known.join(', ')}'. Please see https://aka.ms/arm-pass-parameter-values for usage details.`,
  );
}

function resolveOne(template: Template, name: string, given: JsonObject, scope: EvaluationScope): ParameterValue {
  const declared = resolveReference(template, template.parameters[name] ?? {}, name);
  const type = typeof declared['type'] === 'string' ? declared['type'].toLowerCase() : '';
  const shown = typeNames[type];
  if (shown === undefined)
    throw new TemplateError(`The type '${type}' of the template parameter '${name}' is not valid. ${help}`, [
      'parameters',
      name,
    ]);
  const sent = memberOf(given, name)?.value;
  const path = ['parameters', name];
  const reference = isJsonObject(sent) ? sent['reference'] : undefined;
  const about = {
    ...{ name, type: shown, isSecure: type.startsWith('secure') || reference !== undefined },
    ...(reference === undefined ? {} : { reference }),
  };
  const hasSent = isJsonObject(sent) && sent['value'] !== undefined;
  if (!hasSent || (sent['value'] === null && declared['defaultValue'] !== undefined && declared['nullable'] !== true)) {
    if (declared['defaultValue'] !== undefined) {
      const value = evaluateValue(declared['defaultValue'], { ...scope, isParameterDefault: true });
      checkValue(template, declared, value, name, path);
      return { ...about, value };
    }
    if (declared['nullable'] === true) return { ...about, value: null };
    throw new TemplateError(`The value for the template parameter '${name}'{at} is not provided. ${help}`, path);
  }
  const value = sent['value'] ?? null;
  if (value === null && declared['nullable'] === true) return { ...about, value };
  checkValue(template, declared, value, name, path);
  return { ...about, value };
}

/** `$ref` to a definition of the same template; what stands beside it counts, too. */
function resolveReference(template: Template, declared: JsonObject, name: string, depth = 0): JsonObject {
  const target = declared['$ref'];
  if (target === undefined) return declared;
  const definition = typeof target === 'string' ? /^#\/definitions\/([^/]+)$/.exec(target)?.[1] : undefined;
  const named = definition === undefined ? undefined : definitionName(definition);
  const found = named === undefined ? undefined : memberIn(template.definitions, named);
  if (!isJsonObject(found) || depth > 32) {
    throw new TemplateError(
      `The reference '${typeof target === 'string' ? target : ''}' of the template parameter '${name}' cannot be resolved.`,
      ['parameters', name],
    );
  }
  return { ...resolveReference(template, found, name, depth + 1), ...declared, $ref: undefined };
}

const memberIn = (definitions: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(definitions, name) ? definitions[name] : undefined;

/** @returns undefined when it is no part of an address */
function definitionName(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return undefined;
  }
}

function checkValue(
  template: Template,
  declared: JsonObject,
  value: Json,
  name: string,
  path: readonly (string | number)[],
  depth = 0,
): void {
  if (depth > 64) throw new TemplateError(`The value of the template parameter '${name}' is nested too deeply.`, path);
  const type = typeof declared['type'] === 'string' ? declared['type'].toLowerCase() : 'any';
  const invalid = (why: string): TemplateError =>
    new TemplateError(`The provided value for the template parameter '${name}'{at} is not valid. ${why} ${help}`, path);
  if (!hasType(value, type)) {
    throw invalid(
      `Expected a value of type '${expectedNames[type] ?? type}', but received a value of type '${typeNameOf(value)}'.`,
    );
  }
  checkAllowed(declared, value, invalid);
  checkBounds(declared, value, invalid);
  const inner = (schema: Json | undefined, item: Json, step: string | number): void => {
    if (!isJsonObject(schema)) return;
    const resolved = resolveReference(template, schema, name);
    if (item === null && resolved['nullable'] === true) return;
    checkValue(template, resolved, item, `${name}.${step}`, [...path, step], depth + 1);
  };
  if (Array.isArray(value))
    for (const [at, item] of (value as readonly Json[]).entries()) inner(declared['items'], item, at);
  if (isJsonObject(value)) checkMembers(template, declared, value, name, inner, invalid);
}

function checkMembers(
  template: Template,
  declared: JsonObject,
  value: JsonObject,
  name: string,
  inner: (schema: Json | undefined, item: Json, step: string) => void,
  invalid: (why: string) => TemplateError,
): void {
  const properties = isJsonObject(declared['properties']) ? declared['properties'] : {};
  const sentAs = membersOf(value);
  const describedAs = membersOf(properties);
  for (const [member, schema] of Object.entries(properties)) {
    const sent = sentAs(member);
    const isNullable = isJsonObject(schema) && resolveReference(template, schema, name)['nullable'] === true;
    if (sent === undefined) {
      if (!isNullable) throw invalid(`The property '${member}' is required.`);
    } else inner(schema, sent.value, member);
  }
  const more = declared['additionalProperties'];
  for (const [member, item = null] of Object.entries(value)) {
    if (describedAs(member) !== undefined) continue;
    if (more === false) throw invalid(`The property '${member}' is not allowed.`);
    inner(more, item, member);
  }
}

const expectedNames: Readonly<Record<string, string>> = {
  ...{ string: 'String', securestring: 'String', int: 'Integer', bool: 'Boolean' },
  ...{ object: 'Object', secureobject: 'Object', array: 'Array' },
};

function hasType(value: Json, type: string): boolean {
  switch (type) {
    case 'string':
    case 'securestring':
      return typeof value === 'string';
    case 'int':
      return typeof value === 'number' && Number.isInteger(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'object':
    case 'secureobject':
      return isJsonObject(value);
    case 'array':
      return Array.isArray(value);
    default:
      return type === 'any';
  }
}

function checkAllowed(declared: JsonObject, value: Json, invalid: (why: string) => TemplateError): void {
  const allowed = declared['allowedValues'];
  if (!Array.isArray(allowed)) return;
  const texts = new Set((allowed as readonly Json[]).map((item) => JSON.stringify(item)));
  // Of an array each item must be among them, unless the whole is.
  const sent = Array.isArray(value) && !texts.has(JSON.stringify(value)) ? (value as readonly Json[]) : [value];
  const wrong = sent.find((item) => !texts.has(JSON.stringify(item)));
  if (wrong === undefined) return;
  const shown = (allowed as readonly Json[]).map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
  throw invalid(
    `The value '${typeof wrong === 'string' ? wrong : JSON.stringify(wrong)}' is not part of the allowed value(s): '${shown.join(',')}'.`,
  );
}

function checkBounds(declared: JsonObject, value: Json, invalid: (why: string) => TemplateError): void {
  const bound = (name: string): number | undefined => {
    const limit = declared[name];
    return typeof limit === 'number' ? limit : undefined;
  };
  if (typeof value === 'string' || Array.isArray(value)) {
    const [least = 0, most = Infinity] = [bound('minLength'), bound('maxLength')];
    if (value.length < least) throw invalid(`Length of the value should be greater than or equal to '${least}'.`);
    if (value.length > most) throw invalid(`Length of the value should be less than or equal to '${most}'.`);
  }
  if (typeof value === 'number') {
    const [least = -Infinity, most = Infinity] = [bound('minValue'), bound('maxValue')];
    if (value < least) throw invalid(`The value should be greater than or equal to '${least}'.`);
    if (value > most) throw invalid(`The value should be less than or equal to '${most}'.`);
  }
}

import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { Node } from './expressions/expression.ts';
import { parseTemplateText } from './expressions/expression.ts';
import type { EvaluationFacts } from './expressions/facts.ts';
import { findFunction } from './functions/all-functions.ts';
import type { CallContext } from './functions/function-row.ts';
import { wrongCount } from './functions/function-row.ts';
import { NeedsRuntime, TemplateError } from './expressions/template-error.ts';
import { boundedValue, spend, spendOnReading, spendOnText, usableName } from './expressions/value-size.ts';
import { memberOf, textOf } from './expressions/values.ts';

/** A function that the template's author has written. */
export interface UserFunction {
  readonly parameters: readonly string[];
  readonly output: Json;
}

/** The names that an expression can use, where it stands. */
export interface EvaluationScope {
  readonly facts: EvaluationFacts;
  readonly parameter: (name: string) => Json;
  readonly variable: (name: string) => Json;
  /** By `namespace.name` in lower case. */
  readonly functions: ReadonlyMap<string, UserFunction>;
  /** Passes of the loops around, the innermost last. */
  readonly loops: readonly { readonly name: string; readonly index: number }[];
  readonly isParameterDefault?: boolean;
}

const depthMax = 64;

/** The value of a part of a template: every text in it that is an expression is evaluated.
 * @throws TemplateError; NeedsRuntime when it needs what has not been asked of the running service yet */
export function evaluateValue(value: Json | undefined, scope: EvaluationScope): Json {
  spend(scope.facts.work, 1);
  if (typeof value === 'string') return evaluateText(value, scope);
  if (Array.isArray(value)) return boundedValue(value.map((item: Json) => evaluateValue(item, scope)));
  if (!isJsonObject(value)) return value ?? null;
  const members: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    if (name === 'copy' && Array.isArray(member))
      Object.assign(members, evaluateCopies(member as readonly Json[], scope));
    else members[evaluateName(name, scope)] = evaluateValue(member, scope);
  }
  return boundedValue(members);
}

function evaluateName(name: string, scope: EvaluationScope): string {
  const value = evaluateText(name, scope);
  if (typeof value !== 'string')
    throw new TemplateError(`The name '${name.slice(0, 100)}' of a property is not a string.`);
  return usableName(value);
}

/** `copy` in an object makes an array in it, an item a pass. */
export function evaluateCopies(copies: readonly Json[], scope: EvaluationScope): Record<string, Json> {
  const made: Record<string, Json> = {};
  for (const copy of copies) {
    const loop = isJsonObject(copy) ? copy : {};
    const name = loop['name'];
    if (typeof name !== 'string' || loop['input'] === undefined) {
      throw new TemplateError("The template copy definition must have the properties 'name', 'count' and 'input'.");
    }
    const count = evaluateCount(loop['count'], scope, name);
    made[name] = Array.from({ length: count }, (_, index) =>
      evaluateValue(loop['input'], { ...scope, loops: [...scope.loops, { name, index }] }),
    );
  }
  return made;
}

const copyCountMax = 800;

export function evaluateCount(value: Json | undefined, scope: EvaluationScope, name: string): number {
  const count = evaluateValue(value, scope);
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || count > copyCountMax) {
    throw new TemplateError(
      `The template copy loop '${name}' has an invalid count: it must be an integer between 0 and ${copyCountMax}. Please see https://aka.ms/arm-resource-loops for usage details.`,
    );
  }
  return count;
}

export function evaluateText(text: string, scope: EvaluationScope): Json {
  if (text.startsWith('[')) spendOnText(scope.facts.work, text);
  const parsed = parseTemplateText(text);
  return 'literal' in parsed ? parsed.literal : evaluateNode(parsed.expression, scope);
}

export function evaluateNode(
  node: Node,
  scope: EvaluationScope,
  lambdas: ReadonlyMap<string, Json> = new Map(),
  depth = 0,
): Json {
  spend(scope.facts.work, 1);
  if (depth > depthMax) throw new TemplateError('The template language expression is nested too deeply.');
  switch (node.kind) {
    case 'text':
    case 'number':
      return node.value;
    case 'member':
      return member(
        scope,
        evaluateNode(node.of, scope, lambdas, depth + 1),
        evaluateNode(node.name, scope, lambdas, depth + 1),
      );
    case 'call':
      return call(node, scope, lambdas, depth + 1);
  }
}

function member(scope: EvaluationScope, of: Json, name: Json): Json {
  if (Array.isArray(of)) {
    const items = of as readonly Json[];
    if (typeof name !== 'number') {
      throw new TemplateError(
        "The language expression property can't be evaluated: an array is indexed by an integer.",
      );
    }
    const item = items[name];
    if (item === undefined)
      throw new TemplateError(`The language expression property array index '${name}' is out of bounds.`);
    return item;
  }
  if (!isJsonObject(of) || typeof name !== 'string') {
    throw new TemplateError(
      `The language expression property '${textOf(name)}' can't be evaluated, because the value it is read from is not an object.`,
    );
  }
  if (!Object.hasOwn(of, name)) spendOnReading(scope.facts.work, [of]); // every name is looked at
  const found = memberOf(of, name);
  if (found === undefined) {
    const available = Object.keys(of).slice(0, 100).join(', ');
    throw new TemplateError(
      `The language expression property '${name}' doesn't exist, available properties are '${available}'.`,
    );
  }
  return found.value;
}

function call(
  node: Extract<Node, { kind: 'call' }>,
  scope: EvaluationScope,
  lambdas: ReadonlyMap<string, Json>,
  depth: number,
): Json {
  const evaluate = (arg: Node): Json => evaluateNode(arg, scope, lambdas, depth);
  if (node.name.includes('.')) return callUserFunction(node, scope, evaluate);
  const found = findFunction(node.name);
  if (found === undefined) {
    throw new TemplateError(
      `The template function '${node.name}' is not valid. Please see https://aka.ms/arm-functions for usage details.`,
    );
  }
  const { name, row } = found;
  const [least, most] = row.args;
  if (node.args.length < least || node.args.length > most) throw wrongCount(name, row.args, node.args.length);
  const context: CallContext = {
    facts: scope.facts,
    evaluate,
    evaluateWith: (inner, variables) => evaluateNode(inner, scope, new Map([...lambdas, ...variables]), depth),
    parameter: scope.parameter,
    variable: scope.variable,
    lambdaVariable: (variable) => {
      const value = lambdas.get(variable);
      if (value === undefined) throw new TemplateError(`The lambda variable '${variable}' is not found.`);
      return value;
    },
    copyIndex: (loop) => copyIndex(scope, loop),
    isParameterDefault: scope.isParameterDefault === true,
  };
  if ('lazy' in row) return boundedValue(row.lazy(node.args, context));
  const args = node.args.map(evaluate);
  spendOnReading(scope.facts.work, args);
  return boundedValue(row.evaluate(args, context));
}

function copyIndex(scope: EvaluationScope, name: string | undefined): number {
  const loop =
    name === undefined
      ? scope.loops.at(-1)
      : scope.loops.findLast((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (loop === undefined) {
    throw new TemplateError(
      `The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified. Please see https://aka.ms/arm-copy for usage details.`,
    );
  }
  return loop.index;
}

/** It sees its own parameters and nothing else of the template. */
function callUserFunction(
  node: Extract<Node, { kind: 'call' }>,
  scope: EvaluationScope,
  evaluate: (node: Node) => Json,
): Json {
  const found = scope.functions.get(node.name.toLowerCase());
  if (found === undefined) {
    throw new TemplateError(
      `The template function '${node.name}' is not valid. Please see https://aka.ms/arm-functions for usage details.`,
    );
  }
  if (node.args.length !== found.parameters.length) {
    throw wrongCount(node.name, [found.parameters.length, found.parameters.length], node.args.length);
  }
  const values = new Map(found.parameters.map((name, at) => [name.toLowerCase(), evaluate(node.args[at] ?? nothing)]));
  userFunctionDepth.enter();
  try {
    return evaluateValue(found.output, {
      ...scope,
      loops: [],
      parameter: (name) => values.get(name.toLowerCase()) ?? notFound('parameter', name),
      variable: (name) => notFound('variable', name),
    });
  } finally {
    userFunctionDepth.leave();
  }
}

const nothing: Node = { kind: 'text', value: '' };

/** Functions that call one another end somewhere. */
const userFunctionDepth = {
  now: 0,
  enter(): void {
    if (this.now >= 32) throw new TemplateError('The functions of the template call each other too deeply.');
    this.now++;
  },
  leave(): void {
    this.now--;
  },
};

export function notFound(kind: 'parameter' | 'variable', name: string): never {
  throw new TemplateError(
    `The template ${kind} '${name}' is not found. Please see https://aka.ms/arm-syntax-${kind}s for usage details.`,
  );
}

/** The same as `evaluateValue`, but what needs the running service stays as it is written. */
export function evaluateKnown(value: Json | undefined, scope: EvaluationScope): { value: Json; isWhole: boolean } {
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => evaluateKnown(item, scope));
    return { value: items.map((item) => item.value), isWhole: items.every((item) => item.isWhole) };
  }
  if (isJsonObject(value) && !('copy' in value)) return knownMembers(value, scope);
  try {
    return { value: evaluateValue(value, scope), isWhole: true };
  } catch (error) {
    if (error instanceof NeedsRuntime) return { value: value ?? null, isWhole: false };
    throw error;
  }
}

function knownMembers(object: JsonObject, scope: EvaluationScope): { value: Json; isWhole: boolean } {
  const members: Record<string, Json> = {};
  let isWhole = true;
  for (const [name, member] of Object.entries(object)) {
    const known = evaluateKnown(member, scope);
    members[evaluateName(name, scope)] = known.value;
    isWhole &&= known.isWhole;
  }
  return { value: members, isWhole };
}

import type { Json } from '../../base/json.ts';
import type { EvaluationFacts } from '../expressions/facts.ts';
import type { Node } from '../expressions/expression.ts';
import { TemplateError } from '../expressions/template-error.ts';
import { typeNameOf } from '../expressions/values.ts';

/** What a function can see besides its arguments. */
export interface CallContext {
  readonly facts: EvaluationFacts;
  /** Evaluates an argument; for functions that do not need all of them, or that bind names. */
  readonly evaluate: (node: Node) => Json;
  /** Evaluates with further lambda variables. */
  readonly evaluateWith: (node: Node, variables: ReadonlyMap<string, Json>) => Json;
  readonly parameter: (name: string) => Json;
  readonly variable: (name: string) => Json;
  readonly lambdaVariable: (name: string) => Json;
  /** @param name of the loop; the innermost when there is none */
  readonly copyIndex: (name: string | undefined) => number;
  /** Whether this is the default value of a parameter. */
  readonly isParameterDefault: boolean;
}

interface Described {
  readonly family: FunctionFamily;
  /** Fewest and most arguments. */
  readonly args: readonly [number, number];
  /** One sentence for the reference page. */
  readonly says: string;
  /** Expressions (without brackets) and their values: played as tests, shown as examples. */
  readonly cases: Readonly<Record<string, Json>>;
}

/** One function of the expression language. */
export type FunctionRow = Described &
  (
    | { readonly evaluate: (args: readonly Json[], context: CallContext) => Json }
    /** Gets its arguments as they are written. */
    | { readonly lazy: (args: readonly Node[], context: CallContext) => Json }
  );

export type FunctionFamily =
  | 'array'
  | 'cidr'
  | 'comparison'
  | 'date'
  | 'deployment'
  | 'lambda'
  | 'logical'
  | 'numeric'
  | 'object'
  | 'resource'
  | 'scope'
  | 'string';

export type FunctionRows = Readonly<Record<string, FunctionRow>>;

export const anyNumber = Number.POSITIVE_INFINITY;

const help = (name: string): string =>
  `Please see https://aka.ms/arm-functions/#${name.toLowerCase()} for usage details.`;

export const wrongArgument = (name: string, why: string): TemplateError =>
  new TemplateError(`Unable to evaluate template language function '${name}': ${why}. ${help(name)}`);

export const wrongCount = (name: string, [least, most]: readonly [number, number], found: number): TemplateError => {
  const wanted = least === most ? `${least}` : most === anyNumber ? `at least ${least}` : `${least} to ${most}`;
  return wrongArgument(name, `function requires ${wanted} argument(s) while ${found} were provided`);
};

const wrongType = (name: string, at: number, wanted: string, found: Json | undefined): TemplateError =>
  new TemplateError(
    `The template language function '${name}' expects its parameter '${at + 1}' to be of type '${wanted}'. The provided value is of type '${typeNameOf(found)}'. ${help(name)}`,
  );

export function textAt(name: string, args: readonly Json[], at: number): string {
  const value = args[at];
  if (typeof value !== 'string') throw wrongType(name, at, 'String', value);
  return value;
}

export function integerAt(name: string, args: readonly Json[], at: number): number {
  const value = args[at];
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(name, at, 'Integer', value);
  return value;
}

export function arrayAt(name: string, args: readonly Json[], at: number): readonly Json[] {
  const value = args[at];
  if (!Array.isArray(value)) throw wrongType(name, at, 'Array', value);
  return value as readonly Json[];
}

export function objectAt(name: string, args: readonly Json[], at: number): Readonly<Record<string, Json>> {
  const value = args[at];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, at, 'Object', value);
  return value as Readonly<Record<string, Json>>;
}

/** Longer texts and lists than a template may be large are nobody's: a small expression must not make a large value. */
export const textCharsMax = 4 * 1024 * 1024;
export const listLengthMax = 10_000;

export function boundedText(name: string, text: string): string {
  if (text.length > textCharsMax) throw wrongArgument(name, `the result is longer than ${textCharsMax} characters`);
  return text;
}

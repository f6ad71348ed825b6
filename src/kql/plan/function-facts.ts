import type { KqlType } from './types.ts';

/** What the parser is told of a function by its row: plain data, for it crosses to the parser's process. */
export interface FunctionFacts {
  /** Other names of the function, which are compiled as its own. */
  readonly aliases?: readonly string[];
  /** The type of a call where the engine has another than the official binder, which then takes the arguments of the function for those
   * of its aliases, too. */
  readonly type?: KqlType | ConstantType;
  /** The function whose arguments the binder is to take where `type` is another. Default: its own. */
  readonly parameters?: string;
  /** Names of the columns of a call that yields several: each is the first one's, as the binder names it, and the ending. */
  readonly columnEndings?: readonly string[];
  /** Places of arguments that must be literals, or names of such. */
  readonly literals?: readonly number[];
  /** `*` among the arguments stands for all columns of the row, as if they were listed. */
  readonly listsStar?: true;
  /** Codes of what the official binder complains of within a call, and the engine does not. */
  readonly tolerated?: readonly string[];
  /** It is different each time that it is computed. */
  readonly isRandom?: true;
}

/** A type that a constant argument decides. */
interface ConstantType {
  readonly argument: number;
  /** By the text of the constant, in lower case. */
  readonly types: Readonly<Record<string, KqlType>>;
  readonly otherwise: KqlType;
}

/** Of all functions that have some, by name. */
export type FunctionFactsByName = Readonly<Record<string, FunctionFacts>>;

const keys: readonly (keyof FunctionFacts)[] = [
  'aliases',
  'type',
  'parameters',
  'columnEndings',
  'literals',
  'listsStar',
  'tolerated',
  'isRandom',
];

/** @param rows with whatever else they have */
export function factsOf(rows: Readonly<Record<string, FunctionFacts>>): FunctionFactsByName {
  const told = Object.entries(rows).flatMap(([name, row]) => {
    const facts = keys.flatMap((key) => (row[key] === undefined ? [] : [[key, row[key]] as const]));
    return facts.length === 0 ? [] : [[name, Object.fromEntries(facts)] as const];
  });
  return Object.fromEntries(told);
}

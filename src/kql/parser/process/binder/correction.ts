import { invariant } from '../../../../base/invariant.ts';
import type { Column } from '../../../plan/types.ts';
import { languagePackage } from '../language/language.ts';
import type { ColumnOf } from './symbols.ts';

/** What one function of the official parser or binder makes otherwise than the engine, and what shows that it does. */
export interface Correction {
  /** `class.function`; `NodeBinder.Visit…` by the kind of the syntax node; `Name()` has the functions of the class itself. */
  readonly place: string;
  /** Puts the corrected function in the place of the official one. */
  readonly apply: () => void;
  readonly probe: Probe;
}

/** A query, over a table `T(a:long)` and a function `F` that unpacks a bag of it, whose columns tell the corrected binder from the official one of version 12.4.1. */
export interface Probe {
  readonly text: string;
  /** What operators have told, by their places. */
  readonly told?: Readonly<Record<string, readonly Column[]>>;
  /** Values of query parameters, by their names. */
  readonly given?: Readonly<Record<string, string>>;
  /** How each column is shown; default: `name:type`. */
  readonly shown?: (column: ColumnOf) => string;
  /** All columns, with `, ` between them, and ` by ` the parameters that have been looked at; `undefined` where it refuses the query. */
  readonly official: string | undefined;
  readonly corrected: string;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function prototypeOf(owner: string): Record<string, Method | undefined> {
  const { Binding, Parsing, Symbols } = languagePackage();
  const { Binder, ColumnMap } = Binding;
  const owners: Readonly<Record<string, unknown>> = {
    Binder: Binder.prototype,
    'Binder()': Binder,
    NodeBinder: Binder.NodeBinder.prototype,
    TreeBinder: Binder.TreeBinder.prototype,
    ColumnMap: ColumnMap.prototype,
    'ColumnSymbol()': Symbols.ColumnSymbol,
    QueryParser: Parsing.QueryParser.prototype,
    'ScalarTypes()': Symbols.ScalarTypes,
  };
  const found = owners[owner];
  invariant(found, `the language package has the ${owner} of version 12.4.1`);
  return found as Record<string, Method | undefined>;
}

/** A function of the package: whose it is, what it is given, and what it gives. */
interface Call {
  readonly self: unknown;
  readonly args: unknown[];
  readonly result: unknown;
}

/** One that means the same and takes less time. */
export type Shortcut = Omit<Correction, 'probe'>;

type Correct<C extends Call> = (
  official: (...args: C['args']) => C['result'],
  self: C['self'],
  ...args: C['args']
) => C['result'];

/** @param correct `official` does what the package does, with the arguments that it is given */
export const correction = <C extends Call>(place: string, correct: Correct<C>, probe: Probe): Correction => ({
  ...shortcut(place, correct),
  probe,
});

/** @param correct as of a correction */
export const shortcut = <C extends Call>(place: string, correct: Correct<C>): Shortcut => ({
  place,
  apply: () => {
    const [owner = '', method = ''] = place.split('.');
    const prototype = prototypeOf(owner);
    const official = prototype[method];
    invariant(official, `the language package has ${place} of version 12.4.1`);
    prototype[method] = function (this: C['self'], ...args: C['args']): C['result'] {
      return correct((...given) => official.apply(this, given), this, ...args);
    };
  },
});

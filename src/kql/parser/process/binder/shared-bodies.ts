import { BoundedCache } from '../../../../base/bounded-cache.ts';
import type { GlobalState, LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { languagePackage, symbolKind, toArray } from '../language/language.ts';
import { boundBytes } from './bound-bytes.ts';
import type { Shortcut } from './correction.ts';
import { shortcut } from './correction.ts';

/** The body of a function, bound for calls with certain arguments. */
interface Expansion {
  readonly Root: SyntaxNode;
}
/** A call, by what its body is bound for: constants and tables. What is neither counts as its declared type alone. */
interface CallSite {
  readonly Signature: object;
  readonly Parameters: unknown;
  readonly Values: unknown;
}
interface BodyBinder {
  readonly _globalBindingCache: object;
  /** Below a fuzzy union, in which a name that is not there is no error. */
  _isFuzzy: boolean;
  IsDatabaseSymbolSignature(signature: object): boolean;
}
interface CachingState extends GlobalState {
  readonly ParseOptions: { WithAlwaysProduceEndTokens(always: boolean): unknown };
  WithParseOptions(options: unknown): CachingState;
  WithCache(): CachingState;
  readonly Cache: { GetOrCreate(type: unknown): object };
}

const bytesMax = 150 * 1_048_576;

/** Bound bodies of stored functions that queries share, by what they take in memory: a short text may join wide tables. Of the parsers of
 * Azure-Sentinel one takes some 1,000 bytes for each character. */
export const sharedBodyLimits = {
  countMax: 500,
  weight: {
    max: bytesMax,
    of: (key: string, { Root: root }: Expansion) => 2 * key.length + boundBytes(root, bytesMax),
  },
};
const kept = new BoundedCache<Expansion>(sharedBodyLimits);
/** What the binder remembers of the functions of a state that is shared. */
const shared = new WeakSet<object>();

const numbers = new WeakMap<object, number>();
let lastNumber = 0;
function numberOf(one: object): number {
  const before = numbers.get(one);
  if (before !== undefined) return before;
  lastNumber += 1;
  numbers.set(one, lastNumber);
  return lastNumber;
}

const states = new WeakMap<GlobalState, CachingState>();
/** Bodies that could not be bound, for want of stack: what calls them has been bound without them. */
let failures = 0;

/** A state whose functions are bound once for all queries that call them alike. The binder's own cache would hold ten bodies of each function,
 * of any length.
 * @param compile must not depend on anything but the catalog in what bodies mean */
export function withSharedBodies<T>(state: GlobalState, compile: (state: GlobalState) => T): T {
  const sharing = states.get(state) ?? sharingState(state as CachingState);
  states.set(state, sharing);
  const before = failures;
  try {
    return compile(sharing);
  } finally {
    if (failures > before) states.delete(state);
  }
}

function sharingState(plain: CachingState): CachingState {
  // With the options that a query is parsed with; with others it would have a state, and a cache, of its own.
  const made = plain.WithParseOptions(plain.ParseOptions.WithAlwaysProduceEndTokens(true)).WithCache();
  shared.add(made.Cache.GetOrCreate(languagePackage().Binding.GlobalBindingCache));
  return made;
}

function keyOf(binder: BodyBinder, { Signature: signature, Parameters: names, Values: values }: CallSite): string {
  const parameters = toArray<LanguageSymbol>(names);
  const given = toArray(values).map((value, at) => [parameters[at]?.Name, ...valueKey(value)]);
  return JSON.stringify([numberOf(binder._globalBindingCache), numberOf(signature), binder._isFuzzy, given]);
}

interface RuntimeValue {
  /** Of a time, whose text has no more than its second. */
  readonly ticks?: { toString(): string };
  toString(): string;
}

function valueKey(value: unknown): readonly (string | number | null)[] {
  if (value === null || value === undefined) return [null];
  const known: RuntimeValue = value;
  if (typeof value !== 'object') return [typeof value, known.toString()];
  const kind = symbolKind(value as LanguageSymbol);
  if (/Symbol$/.test(kind)) return [kind, numberOf(value)];
  return [kind, (known.ticks ?? known).toString(), value instanceof Date ? value.getTime() : null];
}

interface Lookup {
  readonly self: BodyBinder;
  readonly args: [call: CallSite, expansion: { v: Expansion | null }];
  readonly result: boolean;
}
interface Later {
  readonly self: BodyBinder;
  readonly args: unknown[];
  readonly result: () => unknown;
}
interface Keep {
  readonly self: BodyBinder;
  readonly args: [call: CallSite, expansion: Expansion];
  readonly result: unknown;
}

const isShared = (binder: BodyBinder, { Signature: signature }: CallSite): boolean =>
  shared.has(binder._globalBindingCache) && binder.IsDatabaseSymbolSignature(signature);

export const sharedBodyShortcuts: readonly Shortcut[] = [
  shortcut<{ self: unknown; args: unknown[]; result: unknown }>(
    'Binder().TryBindCalledFunctionBody',
    (official, _binder, ...given) => {
      try {
        return official(...given);
      } catch (error) {
        failures += 1;
        throw error;
      }
    },
  ),
  shortcut<Lookup>('Binder.TryGetExpansionFromCache', (official, binder, call, expansion) => {
    if (!isShared(binder, call)) return official(call, expansion);
    const before = kept.get(keyOf(binder, call));
    if (before) expansion.v = before;
    return before !== undefined;
  }),
  // Of a function that is known already the binder binds the body when somebody asks for it. By then it has left the fuzzy union around the
  // call, and would bind anew what it has bound for it before.
  shortcut<Later>('Binder.GetDeferredFunctionCallExpansion', (official, binder, ...given) => {
    const expand = official(...given);
    const { _isFuzzy: isFuzzy } = binder;
    return () => {
      const { _isFuzzy: after } = binder;
      binder._isFuzzy = isFuzzy;
      try {
        return expand();
      } finally {
        binder._isFuzzy = after;
      }
    };
  }),
  shortcut<Keep>('Binder.AddExpansionToCache', (official, binder, call, expansion) =>
    isShared(binder, call) ? kept.set(keyOf(binder, call), expansion) : official(call, expansion),
  ),
];

import { invariant } from '../../../../base/invariant.ts';

/** A class, or an interface, of the runtime that the official parser was compiled for. */
interface RuntimeType {
  readonly $kind?: string;
  /** Tells of a value, and not of its class, whether it is of this type. */
  readonly $is?: unknown;
  readonly $literal?: unknown;
  readonly $isArrayEnumerator?: unknown;
}
type Value = Readonly<Record<string, unknown>>;
interface Runtime {
  is: (value: unknown, type: RuntimeType, ...rest: unknown[]) => boolean;
  as: (value: unknown, type: RuntimeType, ...rest: unknown[]) => unknown;
  readonly getTypeAlias: (type: unknown) => string;
  readonly getDefaultValue: (type: unknown) => unknown;
}
interface RuntimeLists {
  getCount: (list: Value, type?: unknown) => unknown;
  getItem: (list: Value, index: number, type?: unknown) => unknown;
}

/** The runtime asks the class of a value anew for all that it is, each time, and puts the name of a property together for each element of a
 * list. These mean the same, and take a tenth off what binding takes.
 * @param scope where the package has put its names */
export function shortenRuntime(scope: unknown = globalThis): void {
  const { Bridge: runtime, System: system } = scope as {
    readonly Bridge?: Runtime;
    readonly System?: { readonly Array: RuntimeLists };
  };
  invariant(runtime && system, 'the language package brings its runtime');
  shortenTypeTests(runtime);
  shortenLists(runtime, system.Array);
}

function shortenTypeTests(runtime: Runtime): void {
  const officialIs = runtime.is;
  const officialAs = runtime.as;
  /** By class of a value; null for one whose values are asked themselves. */
  const known = new Map<unknown, Map<RuntimeType, boolean> | null>();
  const isOf = (value: object, type: RuntimeType): boolean | undefined => {
    const { constructor: owner } = value;
    let answers = known.get(owner);
    if (answers === undefined) {
      answers = isPlainClass(owner) ? new Map() : null;
      known.set(owner, answers);
    }
    if (answers === null) return undefined;
    const before = answers.get(type);
    if (before !== undefined) return before;
    if (type.$is !== undefined || type.$literal !== undefined) return undefined;
    const answer = officialIs(value, type);
    answers.set(type, answer);
    return answer;
  };
  runtime.is = (value, type, ...rest) => {
    const answer = typeof value === 'object' && value !== null ? isOf(value, type) : undefined;
    return answer ?? officialIs(value, type, ...rest);
  };
  runtime.as = (value, type, ...rest) => {
    const answer = typeof value === 'object' && value !== null ? isOf(value, type) : undefined;
    if (answer === undefined) return officialAs(value, type, ...rest);
    return answer ? value : null;
  };
}

/** Neither a value that is boxed, nor an array, nor what JavaScript makes. */
const isPlainClass = (owner: unknown): boolean => {
  if (typeof owner !== 'function') return false;
  const { $kind: kind, $isArrayEnumerator: isEnumerator } = owner as RuntimeType;
  return (kind === 'class' || kind === 'nested class') && isEnumerator === undefined;
};

function shortenLists(runtime: Runtime, lists: RuntimeLists): void {
  const officialCount = lists.getCount;
  const officialItem = lists.getItem;
  interface Names {
    readonly count: string;
    readonly getCount: string;
    readonly getItem: string;
    /** Values of the type are boxed on their way out of a list that is no array. */
    readonly isBoxed: boolean;
  }
  const names = new Map<unknown, Names>();
  const namesOf = (type: unknown): Names => {
    const before = names.get(type);
    if (before) return before;
    const alias = runtime.getTypeAlias(type);
    const collection = `System$Collections$Generic$ICollection$1$${alias}$`;
    const list = `System$Collections$Generic$IList$1$${alias}$getItem`;
    const isBoxed = (runtime.getDefaultValue(type) ?? null) !== null;
    const made = { count: `${collection}Count`, getCount: `${collection}getCount`, getItem: list, isBoxed };
    names.set(type, made);
    return made;
  };
  lists.getCount = (list, type) => {
    if (Array.isArray(list)) return list.length;
    if (typeof type !== 'function') return officialCount(list, type);
    const { count, getCount } = namesOf(type);
    if (typeof list[getCount] === 'function' || typeof list['System$Collections$ICollection$getCount'] === 'function')
      return officialCount(list, type);
    return list[count] ?? list['System$Collections$ICollection$Count'] ?? list['Count'] ?? officialCount(list, type);
  };
  lists.getItem = (list, index, type) => {
    if (typeof type !== 'function') return officialItem(list, index, type);
    if (Array.isArray(list)) return list[index];
    const { getItem, isBoxed } = namesOf(type);
    const read = list[getItem] ?? (isBoxed || typeof list['get'] === 'function' ? undefined : list['getItem']);
    return typeof read === 'function' ? read.call(list, index) : officialItem(list, index, type);
  };
}

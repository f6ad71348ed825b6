import { macros } from './macros.ts';

/** How much DuckDB makes of a text of ours: macros are expanded in place, with a copy of their argument wherever the body names it. */
export interface Expansion {
  /** Names, numbers and texts, once expanded. */
  readonly weight: number;
  /** How often each name of those asked for is there. */
  readonly copies: ReadonlyMap<string, number>;
}

/** A text, a name with its parts, a number, or a parenthesis. */
const token = /'(?:[^']|'')*'|[A-Za-z_$][\w.]*|\d[\w.]*|[()]/g;
const oneToken = new RegExp(`^(?:${token.source})$`);

/** `CASE x WHEN … WHEN …` compares a copy of x for each WHEN: so many there are at most in what is ours. */
const copiesOfSubject = 3;

/** How often a function or macro names what it is given. DuckDB has macros of its own. */
const factors = new Map([['nullif', 2]]);

/** A parenthesis, or the subject of a CASE, that is open. */
interface Open {
  readonly isSubject: boolean;
  /** How often what is around it is there. */
  readonly timesAround: number;
  /** What was there when it was opened. */
  readonly weight: number;
  readonly copies: ReadonlyMap<string, number>;
}

/** A name, a number or a text by itself: it costs nothing to say it twice. */
export const isPlain = (sql: string): boolean => oneToken.test(sql);

/** @param texts by the name in whose place each is to stand */
export const substituted = (sql: string, texts: ReadonlyMap<string, string>): string =>
  sql.replace(token, (word) => texts.get(word) ?? word);

export function expansionOf(sql: string, names: ReadonlySet<string> = new Set()): Expansion {
  let weight = 0;
  const copies = new Map<string, number>();
  const open: Open[] = [];
  let times = 1;
  const enter = (factor: number, isSubject = false): void => {
    open.push({ isSubject, timesAround: times, weight, copies: new Map(copies) });
    times *= factor;
  };
  const leave = (): void => {
    times = open.pop()?.timesAround ?? 1;
  };
  /** What stands before BETWEEN, in its parentheses, is there twice: it is compared with both ends. */
  const repeat = (): void => {
    const before = open.at(-1);
    weight += weight - (before?.weight ?? 0);
    for (const [name, count] of copies) copies.set(name, 2 * count - (before?.copies.get(name) ?? 0));
  };
  const words = [...sql.matchAll(token)].map(([word]) => word);
  words.forEach((word, index) => {
    if (word === '(') enter(factors.get(words[index - 1] ?? '') ?? 1);
    else if (word === ')') leave();
    else if (word === 'CASE' && words[index + 1] !== 'WHEN') enter(copiesOfSubject, true);
    else if (word === 'WHEN' && open.at(-1)?.isSubject) leave();
    else if (word === 'BETWEEN') repeat();
    else {
      weight += times;
      if (names.has(word)) copies.set(word, (copies.get(word) ?? 0) + times);
    }
  });
  return { weight, copies };
}

// Later ones name earlier ones.
for (const [signature, body] of macros) {
  const [name = '', parameters = ''] = signature.split(/[()]/);
  const names = new Set(parameters.split(/,\s*/));
  factors.set(name, Math.max(1, ...expansionOf(body, names).copies.values()));
}

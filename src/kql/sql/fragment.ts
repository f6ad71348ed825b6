/** SQL that is put together: what is written, and what stands in between. A string is SQL in one piece: a name, a type, a parameter, a
 * constant of ours. So what SQL consists of is known without reading it. */
export type Sql = Fragment | string;

export interface Fragment {
  /** One more than there are parts. */
  readonly texts: readonly string[];
  readonly parts: readonly Sql[];
  /** How often DuckDB takes each part, which it copies to wherever the body of a macro names it. Default: once. */
  readonly times?: readonly number[];
  /** How many parts there are, once DuckDB has made its copies. */
  readonly weight: number;
  /** Functions in JavaScript may be called for it. */
  readonly callsNatives: boolean;
  /** What it is a call of. */
  readonly of?: Macro;
  /** Of a dynamic: it is what stands at a path of another. */
  readonly at?: { readonly json: Sql; readonly path: Sql; readonly text?: string };
  /** Of a bag: the text in one of its members, where that takes less than the whole. */
  readonly textIn?: (key: string) => Sql | undefined;
  /** Of an array: the list of the texts that it was made of. */
  readonly listOf?: Sql;
  /** The same for a condition that compares it with a constant: cheaper where DuckDB computes it while it reads, for each value of a
   * dictionary once, and dearer where it does so for each row. */
  readonly whileRead?: Sql;
}

type Known = Partial<Pick<Fragment, 'times' | 'callsNatives' | 'of'>> & { readonly weight?: number };

/** @param known what the parts do not tell; `weight` is of what is written */
export function fragment(texts: readonly string[], parts: readonly Sql[], known: Known = {}): Fragment {
  const { times, weight = 1, callsNatives = false, of } = known;
  return {
    texts,
    parts,
    weight: parts.reduce((sum, part, index) => sum + (times?.[index] ?? 1) * weightOf(part), weight),
    callsNatives: callsNatives || parts.some(mayCallNatives),
    ...(times && { times }),
    ...(of !== undefined && { of }),
  };
}

/** `` sql`upper(${text})` `` */
export const sql = (texts: TemplateStringsArray, ...parts: readonly (Sql | number)[]): Fragment =>
  fragment(
    texts,
    parts.map((part) => (typeof part === 'number' ? String(part) : part)),
  );

export function joined(parts: readonly Sql[], between = ', '): Fragment {
  return fragment(['', ...parts.slice(1).map(() => between), ...(parts.length > 0 ? [''] : [])], parts);
}

/** Of a part that DuckDB copies: the subject of `CASE x WHEN …` to each WHEN, what stands before BETWEEN to both ends. */
export const copied = (times: number, part: Sql): Fragment => fragment(['', ''], [part], { times: [times], weight: 0 });

/** `name(…)` of one part or more. */
export const callOf = (name: string, parts: readonly Sql[], known?: Known): Fragment =>
  fragment([`${name}(`, ...parts.slice(1).map(() => ', '), ')'], parts, known);

export const weightOf = (part: Sql): number => (typeof part === 'string' ? 1 : part.weight);

export const mayCallNatives = (part: Sql): boolean => typeof part !== 'string' && part.callsNatives;

/** How often each of some parts is in a whole, once DuckDB has made its copies. One is not looked for inside of another. */
export function copiesIn(whole: Sql, parts: readonly Sql[]): ReadonlyMap<Sql, number> {
  const copies = new Map(parts.map((part) => [part, 0]));
  const visit = (own: Sql, times: number): void => {
    const before = copies.get(own);
    if (before !== undefined) copies.set(own, before + times);
    else if (typeof own !== 'string')
      own.parts.forEach((part, index) => {
        visit(part, times * (own.times?.[index] ?? 1));
      });
  };
  visit(whole, 1);
  return copies;
}

export function textOf(part: Sql): string {
  if (typeof part === 'string') return part;
  const { texts, parts } = part;
  return parts.reduce<string>((text, own, index) => text + textOf(own) + (texts[index + 1] ?? ''), texts[0] ?? '');
}

/** Writes a call of a macro, which DuckDB expands in place. */
export interface Macro {
  (...args: readonly Sql[]): Fragment;
  readonly definition: {
    readonly name: string;
    readonly parameters: readonly string[];
    readonly body: Sql;
    /** Above those of the macros that it calls. */
    readonly level: number;
  };
}

/** @param own after `kql_`
 * @param body of what its parameters stand for, of which there are at most two */
export function macro(own: string, body: (...args: [Sql, Sql]) => Sql): Macro {
  const name = `kql_${own}`;
  const parameters = ['a', 'b'].slice(0, body.length);
  const written = body('a', 'b');
  const times = [...copiesIn(written, parameters).values()];
  const weight = weightOf(written) - times.reduce((sum, one) => sum + one, 0);
  const callsNatives = mayCallNatives(written);
  const call = (...args: readonly Sql[]): Fragment => callOf(name, args, { times, weight, callsNatives, of: made });
  const made: Macro = Object.assign(call, {
    definition: { name, parameters, body: written, level: 1 + levelOf(written) },
  });
  return made;
}

const levelOf = (part: Sql): number =>
  typeof part === 'string' ? 0 : Math.max(part.of?.definition.level ?? 0, ...part.parts.map(levelOf));

/** @returns what a macro is called with, where that is all there is */
export const argumentOf = (part: Sql, macro: Macro): Sql | undefined =>
  typeof part !== 'string' && part.of === macro ? part.parts[0] : undefined;

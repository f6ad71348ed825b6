import { KqlError } from '../../plan/kql-error.ts';
import type { RegexProgram } from './program.ts';
import { op } from './program.ts';
import type { Assertion } from './syntax.ts';

/** What assertions look at on each side of a place, as bits. */
export const side = { edge: 1, newline: 2, return: 4, word: 8, asciiWord: 16 } as const;

/** The programs that are under way at one place of a text, the preferred first. */
interface State {
  readonly threads: Int32Array;
  /** Nothing matched yet: a match may begin at any further place. */
  readonly isSearching: boolean;
  /** What stands before the place; 0 where no assertion asks. */
  readonly before: number;
  /** By the kind of the next character. */
  readonly next: (Step | undefined)[];
}

/** What one kind of character does to a state. Sources are indexes of threads before, -1 for one that begins here; saves are the slots
 * that get this place. */
interface Step {
  readonly target: State | undefined;
  readonly moves: readonly Move[];
  /** Every thread stays where it was, or ends. */
  readonly isInPlace: boolean;
  /** Nor is there anything to save. */
  readonly isSame: boolean;
  readonly match: Move | undefined;
}
interface Move {
  readonly source: number;
  readonly saves: readonly number[];
}

const end = 0;
/** Numbers that an automaton keeps, about 8 bytes each. */
const cellsMax = 1 << 16;
/** For one text and all that is found in it: a second or two. */
const workMax = 500_000_000;

/** Runs a program over a text in time linear in its length: all ways at once, which it remembers as states. So it never goes back, and
 * finds what trying one way after the other would have found first. */
export class RegexAutomaton {
  private readonly kinds: Kinds;
  private states = new Map<string, State>();
  private cells = 0;
  private work = 0;
  private readonly visited: Int32Array;
  private visit = 0;
  private slots: Int32Array;
  private readonly found: Int32Array;
  private spare: Int32Array = new Int32Array(0);

  constructor(
    private readonly program: RegexProgram,
    /** It can match at the beginning of the text only. */
    private readonly isAnchored: boolean,
    words: readonly [unicode: RegExp, ascii: RegExp],
  ) {
    this.slots = new Int32Array(2 * program.slots);
    this.found = new Int32Array(program.slots);
    this.kinds = new Kinds(program.tests, program.assertions.length > 0 ? words : undefined);
    this.visited = new Int32Array(program.ops.length);
  }

  /** @param from a place that is not inside a character
   * @returns where each group begins and ends, -1 where it is not part of the match; with `wanted` false an empty list for any match */
  run(text: string, from: number, wanted: boolean): readonly number[] | undefined {
    if (this.isAnchored && from > 0) return undefined;
    let state = this.initial(text, from);
    let found: Move | undefined;
    if (from === 0) this.work = 0;
    for (let at = from; ;) {
      const code = at < text.length ? (text.codePointAt(at) ?? 0) : -1;
      const kind = this.kinds.of(code);
      const step = state.next[kind] ?? this.step(state, kind);
      if (step.match) {
        if (!wanted) return [];
        found = step.match;
        this.put(found, at, this.slots, this.found, 0);
      }
      if (!step.target) {
        this.spend(at - from);
        return found && Array.from(this.found);
      }
      if (wanted && !step.isSame) this.move(step, at);
      state = step.target;
      at += code > 0xffff ? 2 : 1;
    }
  }

  private initial(text: string, from: number): State {
    const before = from === 0 ? this.kinds.edge : this.kinds.side(this.kinds.of(codeBefore(text, from)));
    // An anchored program is already under way.
    this.slots.fill(-1, 0, this.program.slots);
    return this.state(this.isAnchored ? [0] : [], !this.isAnchored, before);
  }

  private move({ moves, isInPlace }: Step, at: number): void {
    const count = this.program.slots;
    const needed = moves.length * count;
    this.spend(isInPlace ? moves.length : needed);
    if (isInPlace) {
      for (let index = 0; index < moves.length; index += 1)
        for (const slot of moves[index]?.saves ?? []) this.slots[index * count + slot] = at;
      return;
    }
    if (this.spare.length < needed) this.spare = new Int32Array(2 * needed);
    for (let index = 0; index < moves.length; index += 1) {
      const move = moves[index];
      if (move) this.put(move, at, this.slots, this.spare, index * count);
    }
    [this.slots, this.spare] = [this.spare, this.slots];
  }

  /** Copies the slots of one thread and adds this place. */
  private put({ source, saves }: Move, at: number, from: Int32Array, to: Int32Array, base: number): void {
    const count = this.program.slots;
    if (source < 0) to.fill(-1, base, base + count);
    else for (let slot = 0; slot < count; slot += 1) to[base + slot] = from[source * count + slot] ?? -1;
    for (let index = 0; index < saves.length; index += 1) to[base + (saves[index] ?? 0)] = at;
  }

  private spend(work: number): void {
    this.work += work;
    if (this.work > workMax) throw new KqlError('limits', 'A regular expression of the query takes too long.');
  }

  private state(threads: readonly number[], isSearching: boolean, before: number): State {
    const key = `${isSearching ? 's' : 'm'}${before},${threads.join()}`;
    let state = this.states.get(key);
    if (!state) {
      if (this.cells > cellsMax) {
        this.states = new Map();
        this.cells = 0;
      }
      this.cells += 16 + 2 * threads.length;
      state = { threads: Int32Array.from(threads), isSearching, before, next: [] };
      this.states.set(key, state);
    }
    return state;
  }

  private step(state: State, kind: number): Step {
    const accepted: number[] = [];
    const moves: Move[] = [];
    let match: Move | undefined;
    this.visit += 1;
    this.spend(state.threads.length);
    for (let index = 0; index < state.threads.length && !match; index += 1)
      match = this.follow(state.threads[index] ?? 0, index, state.before, kind, accepted, moves);
    if (!match && state.isSearching) match = this.follow(0, -1, state.before, kind, accepted, moves);
    const isSearching = state.isSearching && !match;
    const isOver = kind === end || (accepted.length === 0 && !isSearching);
    const isInPlace = moves.every(({ source }, index) => source === index);
    const step: Step = {
      target: isOver ? undefined : this.state(accepted, isSearching, this.kinds.side(kind)),
      moves: isOver ? [] : moves,
      isInPlace,
      isSame: isInPlace && moves.every(({ saves }) => saves.length === 0),
      match,
    };
    this.cells += 16 + moves.reduce((sum, { saves }) => sum + 4 + saves.length, 0);
    state.next[kind] = step;
    return step;
  }

  /** Follows one thread to the characters it waits for, in the order of preference.
   * @returns the match, if it comes to one; what is less preferred no longer counts then */
  private follow(
    start: number,
    source: number,
    before: number,
    kind: number,
    accepted: number[],
    moves: Move[],
  ): Move | undefined {
    const { ops, x, y, assertions } = this.program;
    const stack: { readonly at: number; readonly saves: readonly number[] }[] = [{ at: start, saves: [] }];
    for (let top = stack.pop(); top; top = stack.pop()) {
      let { at, saves } = top;
      for (;;) {
        if (this.visited[at] === this.visit) break;
        this.visited[at] = this.visit;
        this.spend(8);
        const code = ops[at];
        if (code === op.character) {
          if (this.kinds.accepts(kind, x[at] ?? 0)) {
            accepted.push(at + 1);
            moves.push({ source, saves });
          }
          break;
        }
        if (code === op.match) return { source, saves };
        if (code === op.assert) {
          const assertion = assertions[x[at] ?? 0];
          if (!assertion || !holds(assertion.at, assertion.ascii, before, this.kinds.side(kind))) break;
        }
        if (code === op.save) saves = [...saves, x[at] ?? 0];
        if (code === op.split) stack.push({ at: y[at] ?? 0, saves });
        at = code === op.split || code === op.jump ? (x[at] ?? 0) : at + 1;
      }
    }
    return undefined;
  }
}

const codeBefore = (text: string, at: number): number => {
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 && at > 1
    ? (text.codePointAt(at - 2) ?? low) > 0xffff
      ? (text.codePointAt(at - 2) ?? low)
      : low
    : low;
};

function holds(at: Assertion, ascii: boolean, before: number, after: number): boolean {
  const bit = ascii ? side.asciiWord : side.word;
  const [left, right] = [(before & bit) !== 0, (after & bit) !== 0];
  switch (at) {
    case 'start':
      return (before & side.edge) !== 0;
    case 'end':
      return (after & side.edge) !== 0;
    case 'lineStart':
      return (before & (side.edge | side.newline)) !== 0;
    case 'lineEnd':
      return (after & (side.edge | side.newline)) !== 0;
    case 'lineStartCrlf':
      return (
        (before & (side.edge | side.newline)) !== 0 || ((before & side.return) !== 0 && (after & side.newline) === 0)
      );
    case 'lineEndCrlf':
      return (
        (after & (side.edge | side.return)) !== 0 || ((before & side.return) === 0 && (after & side.newline) !== 0)
      );
    case 'word':
      return left !== right;
    case 'notWord':
      return left === right;
    case 'wordStart':
      return !left && right;
    case 'wordEnd':
      return left && !right;
    case 'wordStartHalf':
      return !left;
    case 'wordEndHalf':
      return !right;
  }
}

/** Sorts characters into kinds that a program treats alike. Kind 0 is the end of the text. */
class Kinds {
  readonly edge: number;
  private readonly accepted: string[] = [''];
  private readonly sides: number[];
  private readonly byKey = new Map<string, number>();
  /** By pages of 256 characters; 0 where the kind is not known yet. */
  private readonly pages: (Uint16Array | undefined)[] = [];

  constructor(
    private readonly tests: readonly RegExp[],
    private readonly words: readonly [RegExp, RegExp] | undefined,
  ) {
    this.edge = words ? side.edge : 0;
    this.sides = [this.edge];
  }

  of(code: number): number {
    if (code < 0) return end;
    return this.pages[code >> 8]?.[code & 255] || this.found(code);
  }
  side(kind: number): number {
    return this.sides[kind] ?? 0;
  }
  accepts(kind: number, test: number): boolean {
    return this.accepted[kind]?.charCodeAt(test) === 0x31;
  }

  private found(code: number): number {
    const character = String.fromCodePoint(code);
    const accepted = this.tests.map((test) => (test.test(character) ? '1' : '0')).join('');
    const sides = this.words
      ? (code === 10 ? side.newline : 0) |
        (code === 13 ? side.return : 0) |
        (this.words[0].test(character) ? side.word : 0) |
        (this.words[1].test(character) ? side.asciiWord : 0)
      : 0;
    const key = `${accepted} ${sides}`;
    let kind = this.byKey.get(key);
    if (kind === undefined) {
      kind = this.accepted.push(accepted) - 1;
      this.sides.push(sides);
      this.byKey.set(key, kind);
    }
    (this.pages[code >> 8] ??= new Uint16Array(256))[code & 255] = kind;
    return kind;
  }
}

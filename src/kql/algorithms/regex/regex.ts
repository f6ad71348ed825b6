import { BoundedCache } from '../../../base/bounded-cache.ts';
import { KqlError } from '../../plan/kql-error.ts';
import { RegexAutomaton } from './automaton.ts';
import { isAnchored, isAsInJavaScript, sizeOf, stepsOf } from './facts.ts';
import type { JavaScriptForm } from './javascript.ts';
import { toJavaScript, wordTest } from './javascript.ts';
import { compileRegex } from './program.ts';
import type { ParsedRegex } from './syntax.ts';
import { parseRegex } from './syntax.ts';

/** The texts of the groups, [0] of the whole match; undefined for one that is not part of it. */
export interface RegexMatch extends ReadonlyArray<string | undefined> {
  /** Where it begins, in UTF-16 units. */
  readonly index: number;
}

/** As Data Explorer's own engine, which has a limit too: here the instructions of an expression with its repetitions written out. */
const sizeMax = 1 << 17;
const slotsMax = 1 << 22;
/** Steps of V8 that nobody notices. */
const fewSteps = 200_000;

let mayTry = false;
let atWork: Regex | undefined;
const setAtWork = (expression: Regex): void => {
  atWork = expression;
};

/** Lets V8, which is the fastest but may try for ever, have a go at the expressions in `work`, which somebody ends when it takes
 * too long, and says so by false. The expression that it was at is then left to the automaton for a while.
 * @returns false where `work` was ended. Outside, V8 gets only what takes few steps in any case. */
export function withV8(work: () => boolean): boolean {
  mayTry = true;
  try {
    if (work()) return true;
    atWork?.leave();
    return false;
  } catch (error) {
    atWork?.leave();
    throw error;
  } finally {
    mayTry = false;
    atWork = undefined;
  }
}

/** A regular expression of KQL. What it finds does not depend on who looks for it: V8 or the automaton. */
export class Regex {
  /** Names by the index of their group; [0] is the whole match. */
  readonly names: readonly (string | undefined)[];
  /** Instructions, with its repetitions written out: what it takes of memory follows from that. */
  readonly size: number;
  private readonly form: JavaScriptForm;
  private isForV8: boolean;
  private v8?: RegExp;
  private automaton?: RegexAutomaton;
  private leftCount = 0;
  /** How many texts more the automaton gets although V8 might do. */
  private left = 0;
  private lengthOfFewSteps?: number;

  /** @throws KqlError limits */
  constructor(private readonly parsed: ParsedRegex) {
    const { root, names } = parsed;
    const size = sizeOf(root);
    this.size = size;
    if (size > sizeMax || size * names.length > slotsMax)
      throw new KqlError('limits', 'A regular expression in the query is too large.');
    this.names = names;
    this.form = toJavaScript(root);
    this.isForV8 = this.form.source !== undefined && isAsInJavaScript(root);
  }

  test(text: string): boolean {
    return this.find(text, 0, false) !== undefined;
  }

  exec(text: string): RegexMatch | undefined {
    return this.find(text, 0, true);
  }

  /** Matches that do not overlap, from left to right; an empty one does not follow another immediately. */
  *matches(text: string): Generator<RegexMatch, void> {
    let last = -1;
    for (let at = 0; at <= text.length;) {
      const match = this.find(text, at, true);
      if (!match) return;
      const end = match.index + (match[0]?.length ?? 0);
      const isEmpty = end === match.index;
      at = isEmpty && end === last ? end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1) : end;
      if (!isEmpty || end !== last) yield match;
      last = end;
    }
  }

  replace(text: string, replacement: (match: RegexMatch) => string): string {
    let result = '';
    let done = 0;
    for (const match of this.matches(text)) {
      result += text.slice(done, match.index) + replacement(match);
      done = match.index + (match[0]?.length ?? 0);
    }
    return done === 0 && result === '' ? text : result + text.slice(done);
  }

  /** V8 took too long: the longer it stays away the oftener that happens, but not for ever, as the machine may just have been busy. */
  leave(): void {
    this.leftCount += 1;
    this.left = 10_000 * 4 ** Math.min(this.leftCount, 10);
  }

  private find(text: string, from: number, wanted: boolean): RegexMatch | undefined {
    return this.suitsV8(text) ? this.findByV8(text, from, wanted) : this.findByAutomaton(text, from, wanted);
  }

  private suitsV8(text: string): boolean {
    if (!this.isForV8) return false;
    if (!mayTry) return text.length <= (this.lengthOfFewSteps ??= this.longest());
    if (this.left === 0) return true;
    this.left -= 1;
    return false;
  }

  private longest(): number {
    let length = -1;
    for (let more = fewSteps; more >= 1; more = Math.floor(more / 2))
      while (stepsOf(this.parsed.root, length + more) <= fewSteps) length += more;
    return length;
  }

  findByV8(text: string, from: number, wanted: boolean): RegexMatch | undefined {
    let match: RegexMatch | null;
    setAtWork(this);
    try {
      this.v8 ??= new RegExp(this.form.source ?? '', `g${this.form.flags}`);
      this.v8.lastIndex = from;
      match = this.v8.exec(text);
    } catch {
      // Too large for V8, or too deep.
      this.isForV8 = false;
      return this.findByAutomaton(text, from, wanted);
    } finally {
      atWork = undefined;
    }
    if (!match) return undefined;
    // V8 looks for an empty match in the middle of a character too.
    return isInsideCharacter(text, match.index) ? this.findByAutomaton(text, from, wanted) : match;
  }

  /** In time linear in the length of the text. */
  findByAutomaton(text: string, from: number, wanted: boolean): RegexMatch | undefined {
    const { root } = this.parsed;
    this.automaton ??= new RegexAutomaton(compileRegex(root, this.form, this.names.length), isAnchored(root), [
      wordTest(false, this.form),
      wordTest(true, this.form),
    ]);
    const slots = this.automaton.run(text, from, wanted);
    if (!slots) return undefined;
    const groups = this.names.map((_name, group) => {
      const [start = -1, end = -1] = [slots[2 * group], slots[2 * group + 1]];
      return start < 0 || end < 0 ? undefined : text.slice(start, end);
    });
    return Object.assign(groups, { index: slots[0] ?? 0 });
  }
}

const isInsideCharacter = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000 && at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff;
};

/** Expressions by their text: so many, and so many units of texts and instructions together, some fifty bytes each. */
const made = new BoundedCache<Regex>({
  countMax: 200,
  weight: { max: 1 << 20, of: (pattern, { size }) => pattern.length + size },
});

/** @throws KqlError runtime, where the pattern is not one of KQL's; limits, where it is too large */
export function regex(pattern: string): Regex {
  let found = made.get(pattern);
  if (!found) {
    found = new Regex(parseRegex(pattern));
    made.set(pattern, found);
  }
  return found;
}

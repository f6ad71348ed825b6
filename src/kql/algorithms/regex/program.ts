import { characterTest, type JavaScriptForm } from './javascript.ts';
import { isNullable } from './facts.ts';
import type { Assertion, RegexNode } from './syntax.ts';

/** What an instruction does; all but `jump`, `split` and `match` go on with the next one.
 * `character` takes one that test `x` holds for · `split` tries `x` before `y` · `save` notes the place in slot `x` · `assert` holds when
 * assertion `x` does */
export const op = { character: 0, jump: 1, split: 2, save: 3, assert: 4, match: 5 } as const;

export interface RegexProgram {
  readonly ops: Uint8Array;
  readonly x: Int32Array;
  readonly y: Int32Array;
  /** Each for one whole character. */
  readonly tests: readonly RegExp[];
  readonly assertions: readonly { readonly at: Assertion; readonly ascii: boolean }[];
  /** Two for each group: where it begins and ends. */
  readonly slots: number;
}

/** @param groups with the whole match, which is group 0 */
export function compileRegex(root: RegexNode, form: JavaScriptForm, groups: number): RegexProgram {
  const compiler = new Compiler(form);
  compiler.add(op.save, 0);
  compiler.node(root);
  compiler.add(op.save, 1);
  compiler.add(op.match);
  return {
    ops: Uint8Array.from(compiler.ops),
    x: Int32Array.from(compiler.x),
    y: Int32Array.from(compiler.y),
    tests: [...compiler.tests.values()],
    assertions: compiler.assertions,
    slots: 2 * groups,
  };
}

class Compiler {
  readonly ops: number[] = [];
  readonly x: number[] = [];
  readonly y: number[] = [];
  readonly tests = new Map<string, RegExp>();
  readonly assertions: { at: Assertion; ascii: boolean }[] = [];
  private readonly testIndexes = new Map<string, number>();
  private readonly known = new Map<RegexNode, number>();
  constructor(private readonly form: JavaScriptForm) {}

  add(code: number, x = 0, y = 0): number {
    this.x.push(x);
    this.y.push(y);
    return this.ops.push(code) - 1;
  }
  private get here(): number {
    return this.ops.length;
  }

  node(node: RegexNode): void {
    switch (node.k) {
      case 'literal':
      case 'any':
      case 'class':
        this.add(op.character, this.test(node));
        return;
      case 'assert':
        this.add(op.assert, this.assertion(node));
        return;
      case 'group':
        if (node.index !== undefined) this.add(op.save, 2 * node.index);
        this.node(node.body);
        if (node.index !== undefined) this.add(op.save, 2 * node.index + 1);
        return;
      case 'sequence':
        for (const item of node.items) this.node(item);
        return;
      case 'choice':
        this.choice(node.items);
        return;
      case 'repeat':
        this.repeat(node.body, node.min, node.max, node.lazy);
    }
  }

  private test(node: RegexNode): number {
    const before = this.known.get(node);
    if (before !== undefined) return before;
    const test = characterTest(node, this.form);
    const key = String(test);
    const index = this.testIndexes.get(key) ?? this.tests.size;
    this.testIndexes.set(key, index);
    if (!this.tests.has(key)) this.tests.set(key, test);
    this.known.set(node, index);
    return index;
  }

  private assertion({ at, ascii }: { at: Assertion; ascii: boolean }): number {
    const index = this.assertions.findIndex((other) => other.at === at && other.ascii === ascii);
    return index < 0 ? this.assertions.push({ at, ascii }) - 1 : index;
  }

  /** A split whose one way begins here and whose other is not known yet. @returns fills it in */
  private fork(lazy: boolean): (other: number) => void {
    const at = this.add(op.split);
    const [taken, left] = lazy ? [this.y, this.x] : [this.x, this.y];
    taken[at] = at + 1;
    return (other) => {
      left[at] = other;
    };
  }

  private choice(items: readonly RegexNode[]): void {
    const ends: number[] = [];
    items.forEach((item, index) => {
      const otherwise = index < items.length - 1 ? this.fork(false) : undefined;
      this.node(item);
      if (!otherwise) return;
      ends.push(this.add(op.jump));
      otherwise(this.here);
    });
    for (const end of ends) this.x[end] = this.here;
  }

  private repeat(body: RegexNode, min: number, max: number | undefined, lazy: boolean): void {
    // A round that takes nothing must be able to end the loop, so that `(|a)*` does what `(|a)+` does.
    if (min === 0 && max === undefined && isNullable(body)) {
      const skip = this.fork(lazy);
      this.repeat(body, 1, undefined, lazy);
      skip(this.here);
      return;
    }
    for (let round = max === undefined ? 1 : 0; round < min; round += 1) this.node(body);
    if (max === undefined) this.loop(body, min === 0, lazy);
    else {
      const skips = Array.from({ length: max - min }, () => {
        const skip = this.fork(lazy);
        this.node(body);
        return skip;
      });
      for (const skip of skips) skip(this.here);
    }
  }

  private loop(body: RegexNode, mayBeNone: boolean, lazy: boolean): void {
    const start = this.here;
    const leave = mayBeNone ? this.fork(lazy) : undefined;
    this.node(body);
    if (leave) {
      this.add(op.jump, start);
      leave(this.here);
    } else this.add(op.split, lazy ? this.here + 1 : start, lazy ? start : this.here + 1);
  }
}

import type { NativeValue } from '../sql/native.ts';

interface KnownCall {
  readonly name: string;
  readonly args: readonly NativeValue[];
  readonly value: NativeValue;
  readonly units: number;
}

/** UTF-16 units of all arguments and values: those of a function over the longest arrays that there are. */
const unitsMax = 64 << 20;
const callsMax = 64;

const unitsOf = (values: readonly NativeValue[]): number =>
  values.reduce((sum: number, value) => sum + (typeof value === 'string' ? value.length : 0), 0);

/** What functions gave while a statement is planned. DuckDB computes what is constant wherever its copy of the expression stands: of a
 * function that gives several columns, for each of them and each time that a macro names it, and again when it knows the parameters. The
 * functions look at nothing but their arguments. */
export class KnownCalls {
  #calls: KnownCall[] = [];
  #units = 0;

  /** @returns undefined for a call that is not known */
  valueOf(name: string, args: readonly NativeValue[]): NativeValue | undefined {
    // Of the last ones first: copies follow each other.
    return this.#calls.findLast(
      (call) => call.name === name && call.args.every((value, index) => Object.is(value, args[index])),
    )?.value;
  }

  add(name: string, args: readonly NativeValue[], value: NativeValue): void {
    const units = unitsOf([...args, value]);
    if (units > unitsMax) return;
    this.#calls.push({ name, args, value, units });
    this.#units += units;
    while (this.#units > unitsMax || this.#calls.length > callsMax) this.#units -= this.#calls.shift()?.units ?? 0;
  }

  /** For the next statement. */
  clear(): void {
    this.#calls = [];
    this.#units = 0;
  }
}

import { createRequire } from 'node:module';
import type { LoadedProgram } from './compiled-program.ts';

/** What a module of a program is when it runs: as CommonJS has it. */
type Part = (exports: object, require: (name: string) => unknown, module: { exports: object }) => void;
/** By their names in the program, `./` first. */
export type Parts = Readonly<Record<string, Part>>;

/** Requires the parts of a program that lies in several files (`scripts/build.mjs`, `bundleInTwo`). Each runs once, when it is first asked for.
 * @param first what every start loads
 * @param rest has all other parts; called when one of them is needed first
 * @returns requires a part, or what Node.js finds beside the program */
export function partsOf(
  path: string,
  first: LoadedProgram<Parts>,
  rest: () => LoadedProgram<Parts>,
): (name: string) => unknown {
  const native = createRequire(path);
  const done = new Map<string, { exports: object }>();
  let later: Parts | undefined;
  const find = (name: string): Part | undefined => first.exports[name] ?? (later ??= rest().exports)[name];
  const load = (name: string): unknown => {
    if (!name.startsWith('./')) return native(name) as unknown;
    const known = done.get(name);
    if (known !== undefined) return known.exports;
    const part = find(name);
    if (part === undefined) return native(name) as unknown;
    const module = { exports: {} };
    done.set(name, module);
    part(module.exports, need, module);
    return module.exports;
  };
  /** Packages ask it where others lie, too. */
  const need = Object.assign(load, native);
  return need;
}

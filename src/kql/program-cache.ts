import { BoundedCache } from '../base/bounded-cache.ts';
import { heapBytes } from '../base/heap-bytes.ts';
import type { KqlCatalog } from './plan/catalog.ts';
import type { Program } from './plan/plan.ts';
import type { CompileOptions, KqlParser } from './parser/parser-client.ts';

/** UTF-16 units of one text that is kept. */
const textMax = 20_000;
/** Of all that is kept, with fifty bytes for each unit of a text at least. Most programs take less; one that names many columns takes as many
 * bytes as those need, however short its text: `union *` over 428 tables of 18,000 columns some 5 MB. */
const bytesMax = 50 * 1_048_576;
const unitBytes = 50;

/** Which parameters name something can itself depend on what others name; so many answers are remembered for one text. */
const answersMax = 4;

/** Keeps the newest compiled texts, keyed by everything that decides their meaning. Long texts are not kept. Of the values of query
 * parameters only those count that the program has been made for: which these are is known once the text has been compiled. */
export function programCache(parser: Pick<KqlParser, 'compile'>, limit: number): Pick<KqlParser, 'compile'> {
  const bytesOf = (key: string, value: unknown): number =>
    Math.max(unitBytes * key.length, 2 * key.length + heapBytes(value, bytesMax));
  const limits = { countMax: limit, weight: { max: bytesMax, of: bytesOf } };
  const programs = new BoundedCache<Program>(limits);
  const naming = new BoundedCache<readonly (readonly string[])[]>(limits);
  return {
    async compile(text: string, database: string, catalog: KqlCatalog, options: CompileOptions = {}): Promise<Program> {
      if (text.length > textMax) return parser.compile(text, database, catalog, options);
      const { bestEffort = false, naming: given = {}, told = [] } = options;
      // A value that cannot name anything is no constant, whether anybody looks at it or not.
      const constants = Object.entries(given).map(([name, value]) => [name, value !== null]);
      const asked = JSON.stringify([catalog.version, database, bestEffort, text, told, constants]);
      const keyFor = (names: readonly string[]): string =>
        JSON.stringify([asked, names.map((name) => [name, given[name]])]);
      const answers = naming.get(asked) ?? [];
      for (const names of answers) {
        const known = programs.get(keyFor(names));
        if (known) return known;
      }
      const program = await parser.compile(text, database, catalog, options);
      const { namedBy = [] } = program;
      programs.set(keyFor(namedBy), program);
      const others = answers.filter((names) => names.join() !== namedBy.join());
      naming.set(asked, [namedBy, ...others].slice(0, answersMax));
      return program;
    },
  };
}

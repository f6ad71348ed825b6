import { BoundedCache } from '../base/bounded-cache.ts';
import type { KqlCatalog } from './plan/catalog.ts';
import type { Program } from './plan/plan.ts';
import type { CompileOptions, KqlParser } from './parser/parser-client.ts';

/** UTF-16 units of one text that is kept, and of all; a program takes some fifty bytes for each. */
const textMax = 20_000;
const unitsMax = 1_048_576;

/** Keeps the newest compiled texts, keyed by everything that decides their meaning. Long texts are not kept. */
export function programCache(parser: Pick<KqlParser, 'compile'>, limit: number): Pick<KqlParser, 'compile'> {
  const programs = new BoundedCache<Program>({
    countMax: limit,
    weight: { max: unitsMax, of: (key) => key.length },
  });
  return {
    async compile(text: string, database: string, catalog: KqlCatalog, options: CompileOptions = {}): Promise<Program> {
      if (text.length > textMax) return parser.compile(text, database, catalog, options);
      const { bestEffort = false, naming, told = [] } = options;
      const key = JSON.stringify([catalog.version, database, bestEffort, text, naming, told]);
      const known = programs.get(key);
      if (known) return known;
      const program = await parser.compile(text, database, catalog, options);
      programs.set(key, program);
      return program;
    },
  };
}

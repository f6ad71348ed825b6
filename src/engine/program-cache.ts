import type { KqlCatalog } from './kql/catalog.ts';
import type { Program } from './kql/ir/plan.ts';
import type { KqlParser } from './kql/parser-client.ts';

/** Keeps the newest compiled texts, keyed by everything that decides their meaning. Long texts are not kept. */
export function programCache(parser: KqlParser, limit: number): Pick<KqlParser, 'compile'> {
  const programs = new Map<string, Program>();
  const textMax = 20_000;
  return {
    async compile(text: string, database: string, catalog: KqlCatalog, bestEffort = false): Promise<Program> {
      const key = JSON.stringify([catalog.version, database, bestEffort, text]);
      const known = programs.get(key);
      if (known) {
        programs.delete(key);
        programs.set(key, known);
        return known;
      }
      const program = await parser.compile(text, database, catalog, bestEffort);
      if (text.length <= textMax) programs.set(key, program);
      const oldest = programs.keys().next().value;
      if (programs.size > limit && oldest !== undefined) programs.delete(oldest);
      return program;
    },
  };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KqlError } from './plan/kql-error.ts';
import type { ExpectedTable } from './testing/compare-tables.ts';
import { difference } from './testing/compare-tables.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

interface Case {
  readonly id: string;
  readonly query: string;
  readonly expected: ExpectedTable;
}

/** The floor only rises; `wrongMax` (answers that differ, refusals not counted) only falls. */
const files = [
  { name: 'engine-recorded', floor: 0.998, wrongMax: 1 },
  { name: 'engine-documentation', floor: 0.98, wrongMax: 1 },
] as const;

const load = (name: string): Case[] =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/kql', `${name}.json`), 'utf8')) as Case[];

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

async function verdict({ query, expected }: Case): Promise<string> {
  try {
    const tables = await engine.run(query);
    if (expected.error) return 'the engine refuses the query';
    const differences = tables.map((table) => difference(table, expected, query));
    return differences.includes(undefined) ? 'same' : (differences[0] ?? 'no result');
  } catch (error) {
    if (!(error instanceof KqlError)) throw error;
    if (error.code === 'internal') return `internal: ${error.message}`;
    return expected.error ? 'same' : 'refused';
  }
}

describe('results recorded from the engine', () => {
  it.each(files)('agree in $name', async ({ name, floor, wrongMax }) => {
    const cases = load(name);
    const wrong: string[] = [];
    let same = 0;
    for (const one of cases) {
      const found = await verdict(one);
      if (found === 'same') same += 1;
      else if (found !== 'refused') wrong.push(`${one.id}: ${found}`);
    }
    expect(wrong.length, wrong.join('\n')).toBeLessThanOrEqual(wrongMax);
    expect(same / cases.length).toBeGreaterThanOrEqual(floor);
  });
});

import { join } from 'node:path';
// The plan builder's modules refer to each other; this one must come first.
import { graphToGraph } from '../src/kql/parser/process/build/operators/graph.ts';
import { endings } from '../src/kql/parser/process/build/results.ts';
import { operatorBuilders } from '../src/kql/parser/process/build/tables.ts';
import { pluginShapes } from '../src/kql/plan/row-settings.ts';
import { cases } from '../src/kql/functions/all.cases.ts';
import { aggregateRows } from '../src/kql/aggregates/table.ts';
import { functionRows } from '../src/kql/functions/table.ts';
import { windowFunctions } from '../src/kql/functions/window.ts';
import type { LocalEngine } from '../src/kql/testing/local-engine.ts';
import { openLocalEngine } from '../src/kql/testing/local-engine.ts';
import {
  aggregateCalls,
  functionPipe,
  notMeasured,
  operatorQueries,
  pluginQueries,
  sampledFunctions,
  source,
  windowCalls,
} from './growth-samples.ts';
import type { BenchRow, Measured } from './row.ts';

const distinctValues = 'a pass in DuckDB goes before the one in JavaScript once a group has very many values';
/** What may grow faster than the rows, and why. */
const expected: Readonly<Record<string, string>> = {
  make_set: distinctValues,
  makeset: distinctValues,
  make_set_if: distinctValues,
};

/** The time of a query is `rows ^ exponent`: that of the processor, in all threads, which others' work changes least. */
const exponentMax = 1.2;
/** Rows at first: as many as take this long, from so many to so many. */
const [firstMs, firstRowsMin, firstRowsMax] = [25, 1_250, 20_000];

interface Sample {
  readonly name: string;
  readonly query: string;
}

/** @throws where the product has a name without a sample, or a sample is of nothing that the product has */
function checked(what: string, names: readonly string[], sampled: Readonly<Record<string, string>>): Sample[] {
  const missing = names.filter((name) => !Object.hasOwn(sampled, name));
  const gone = Object.keys(sampled).filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Error(`Not measured (bench/growth-samples.ts): ${what} ${missing.join(', ')}.`);
  if (gone.length > 0) throw new Error(`There is no ${what} ${gone.join(', ')} any more.`);
  return names.map((name) => ({ name, query: sampled[name] ?? '' }));
}

function operatorSamples(): readonly Sample[] {
  const names = [operatorBuilders, graphToGraph, endings].flatMap((rows) => Object.keys(rows));
  return checked('operator', [...new Set(names)], operatorQueries);
}

const pluginSamples = (): readonly Sample[] => checked('plugin', [...pluginShapes], pluginQueries);

function aggregateSamples(): readonly Sample[] {
  return checked('aggregate', Object.keys(aggregateRows), aggregateCalls).flatMap(({ name, query: call }) => {
    const sketch = /\(h\)/.test(call) ? `summarize h = ${name.startsWith('hll') ? 'hll' : 'tdigest'}(n) by k | ` : '';
    return [
      { name, query: `SOURCE | ${sketch}summarize ${call}` },
      { name: `${name} by group`, query: `SOURCE | ${sketch}summarize ${call} by k` },
    ];
  });
}

function functionSamples(): readonly Sample[] {
  const expressions = Object.values(cases).flatMap((rows) => Object.values(rows).flat());
  const names = Object.keys(functionRows).filter((name) => !Object.hasOwn(notMeasured, name));
  const pipes = names.flatMap((name) => {
    const pipe = functionPipe(name, expressions);
    return pipe === undefined ? [] : ([[name, `SOURCE | ${pipe}`]] as const);
  });
  const windows = Object.keys(windowFunctions).filter((name) => !Object.hasOwn(notMeasured, name));
  const gone = [...sampledFunctions, ...Object.keys(notMeasured)].filter(
    (name) => !Object.hasOwn(functionRows, name) && !Object.hasOwn(windowFunctions, name),
  );
  if (gone.length > 0) throw new Error(`There is no function ${gone.join(', ')} any more.`);
  return [
    ...checked('function', names, Object.fromEntries(pipes)),
    ...checked('window function', windows, windowCalls).map(({ name, query }) => ({
      name,
      query: `SOURCE | sort by n asc | extend r = ${query} | summarize sum(strlen(tostring(r)))`,
    })),
  ];
}

/** A query for any number of rows is one text, compiled once. */
const textOf = (query: string): string =>
  `set query_bin_auto_size = 10; declare query_parameters(rows:long = 1); ${query.replaceAll('SOURCE', source)}`;

interface Growth {
  readonly name: string;
  readonly exponent: number;
  /** At 4× and 16× rows. */
  readonly ms: readonly [number, number];
  readonly rows: number;
}

async function growthOf(engine: LocalEngine, { name, query }: Sample): Promise<Growth> {
  const text = textOf(query);
  const run = async (rows: number): Promise<number> => {
    const before = process.cpuUsage();
    await engine.run(text, { rows });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  let rows = firstRowsMin;
  await run(rows); // compiled
  while (rows < firstRowsMax && (await run(rows)) < firstMs) rows *= 2;
  let exponent = Infinity;
  const best = { four: Infinity, sixteen: Infinity };
  // A slow moment of the machine is no growth: what looks like it is measured again.
  for (let round = 0; round < 6 && exponent > exponentMax; round += 1) {
    best.four = Math.min(best.four, await run(rows * 4), await run(rows * 4));
    best.sixteen = Math.min(best.sixteen, await run(rows * 16));
    exponent = Math.log(best.sixteen / best.four) / Math.log(4);
  }
  return { name, exponent, ms: [best.four, best.sixteen], rows };
}

async function measured(samples: readonly Sample[]): Promise<Measured> {
  const engine = await openLocalEngine(join(import.meta.dirname, 'kql-process.js'));
  const found: Growth[] = [];
  const failures: string[] = [];
  for (const sample of samples) {
    try {
      const growth = await growthOf(engine, sample);
      found.push(growth);
      const [four, sixteen] = growth.ms.map((ms) => Math.round(ms));
      process.stderr.write(
        `  ${growth.exponent.toFixed(2)} ${growth.name} (${growth.rows * 4} rows ${four} ms, ${growth.rows * 16} ${sixteen} ms)\n`,
      );
    } catch (error) {
      failures.push(`${sample.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  engine.close();
  const counted = found.filter(({ name }) => !Object.hasOwn(expected, name));
  const worst = found.toSorted((one, other) => other.exponent - one.exponent).slice(0, 8);
  const named = worst.map(({ name, exponent }) => {
    const reason = Object.hasOwn(expected, name) ? ` (${expected[name] ?? ''})` : '';
    return `${name} ${exponent.toFixed(2)}${reason}`;
  });
  // The other groups are measured all the same, and this one has missed its floor.
  if (failures.length > 0) return { ratio: Infinity, detail: `not measured: ${failures.join('; ')}` };
  return {
    ratio: Math.max(...counted.map(({ exponent }) => exponent)),
    detail: `${found.length} measured: ${named.join(', ')}`,
  };
}

const row = (kind: string, samples: () => readonly Sample[]): BenchRow => ({
  id: `growth-${kind}`,
  ratio: `${kind}: the greatest exponent of time by rows, from 4× to 16× rows`,
  rule: 'atMost',
  floor: exponentMax,
  aim: 1.05,
  run: () => measured(samples()),
});

export const growthRows: readonly BenchRow[] = [
  row('operators', operatorSamples),
  row('plugins', pluginSamples),
  row('aggregates', aggregateSamples),
  row('functions', functionSamples),
];

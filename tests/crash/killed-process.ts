import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openEngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import { natives } from '../../src/kql/language.ts';
import { createQueryEngine } from '../../src/kql/query-engine.ts';
import { DurableSteps } from './durable-steps.ts';
import type { Killed } from './killed-check.ts';
import { check } from './killed-check.ts';
import { openKilledCluster } from './killed-cluster.ts';
import { openKilledParser } from './killed-derived.ts';
import { prepare, scenarios } from './killed-work.ts';

// A cluster that is made to be killed. `prepare` DIRECTORY SCENARIO NOW, `work` DIRECTORY SCENARIO NOW STEP, or `check`, which
// reads what to check from its standard input and answers with what is wrong, line by line, as JSON.

const [mode, directory = '', name = '', now, killAt] = process.argv.slice(2);
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};
const openEngine = () => openEngineDatabase({ threads: 2, memoryLimit: '1GB' }, natives);

void main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

/** A script has no `await` of its own. */
async function main(): Promise<void> {
  const parser = openKilledParser(); // starts when something is parsed
  if (mode === 'check') {
    const engine = await openEngine();
    const queries = createQueryEngine({ parser, database: engine });
    for await (const line of createInterface({ input: process.stdin }))
      say(JSON.stringify(await check(JSON.parse(line) as Killed, engine, queries)));
    process.exit(0);
  }
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`There is no ${name}.`);
  const changesCatalog = name === 'custody' || name === 'databaseKey';
  const steps = new DurableSteps(directory, Number(killAt ?? 0));
  say('begun');
  const engine = await openEngine();
  const cluster = await openKilledCluster({
    ...{ directory, engine, now: Number(now) },
    queries: createQueryEngine({ parser, database: engine }),
    extentsPerPage: scenario.extentsPerPage,
    // A change of custody takes many commits then.
    ...(changesCatalog ? { recordsEach: 2 } : {}),
    written: ({ generation, mark }) => {
      if (changesCatalog) say(`written ${generation} ${mark}`);
    },
  });
  if (mode === 'prepare') await prepare(scenario, cluster, say);
  else {
    if (changesCatalog) for (const { generation, mark } of await cluster.stored()) say(`written ${generation} ${mark}`);
    await scenario.work({ cluster, steps, say });
    say(`steps ${JSON.stringify(steps.kinds)}`);
  }
  await cluster.close();
  parser.stop();
  engine.close();
}

import { Command, Option } from 'commander';
import { temporaryDataDirectory } from '../private-instances.ts';
import { jsonOption } from '../options.ts';
import type { RootKeySource } from '../root-key-source.ts';
import { drillInstance } from './drill-instance.ts';
import type { DrillRow } from './drill.ts';
import { runDrill } from './drill.ts';
import { allCameOut, drillTable } from './present.ts';
import { makeScene } from './scene.ts';
import { startWaiting } from '../waiting.ts';
import { writeFor } from '../write-for.ts';
import { drillPage } from './page.ts';
import { ways } from './ways.ts';

interface DrillOptions {
  readonly only: readonly string[];
  readonly html?: string;
  readonly json: boolean;
}

export function drillCommand(rootKeys: RootKeySource): Command {
  return new Command('drill')
    .description(
      'Rehearse losing the key: a private instance, a cluster with rows, every way to lose its key against everything people do with it, in virtual time. Exit code 1 when anything is not as it must be.',
    )
    .addOption(
      new Option('--only <WAY...>', 'these ways alone')
        .choices(ways.map(({ name }) => name))
        .default([], 'all of them'),
    )
    .option('--html <FILE>', 'write a page that stands by itself, to keep or to print')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody drill\n  $ kustody drill --only keyDeleted vaultDeleted --html drill.html',
    )
    .action((options: DrillOptions) => drill(rootKeys, options));
}

async function drill(rootKeys: RootKeySource, { only, html, json }: DrillOptions): Promise<void> {
  const wanted = only.length === 0 ? ways : ways.filter(({ name }) => only.includes(name));
  const rootKey = rootKeys.take(undefined);
  const temporary = await temporaryDataDirectory();
  const say = (text: string): void => {
    if (!json) process.stdout.write(text);
  };
  const waiting = startWaiting();
  try {
    const { startInstance } = await import('../instance.ts');
    const server = await startInstance({ dataDirectory: temporary.directory, rootKey, virtualTime: true });
    try {
      say('A cluster with 1000 rows under a key of its own …\n');
      waiting.begin('making the cluster');
      const scene = await makeScene(await drillInstance(server));
      let begun = 0;
      const rows = await runDrill(
        scene,
        {
          began: ({ title }) => {
            begun += 1;
            waiting.begin(`way ${begun} of ${wanted.length}: ${title}`);
          },
          ended: (row) => {
            waiting.end();
            const place = `${String(begun).padStart(String(wanted.length).length)}/${wanted.length}`;
            say(
              `  ${place} ${row.title} … ${row.problems.length === 0 ? 'ok' : `NOT AS IT MUST BE\n${problemLines(row)}`}\n`,
            );
          },
        },
        wanted,
      );
      const ok = rows.every(({ problems }) => problems.length === 0);
      if (!ok) process.exitCode = 1;
      if (html !== undefined) writeFor('--html', html, drillPage(rows, new Date().toISOString()));
      process.stdout.write(json ? `${JSON.stringify({ ok, rows }, undefined, 2)}\n` : `\n${summary(rows, ok)}\n`);
    } finally {
      await server.close();
    }
  } finally {
    waiting.end();
    temporary.remove();
  }
}

const problemLines = ({ problems }: DrillRow): string => problems.map((problem) => `    ${problem}\n`).join('');

function summary(rows: readonly DrillRow[], ok: boolean): string {
  const last = ok
    ? `${allCameOut(rows.length)} Seconds are those of the instance's own clock, in steps of 10.`
    : 'Not everything came out as it must: see above.';
  return `${drillTable(rows)}\n${last}`;
}

import { Command, Option } from 'commander';
import { timeoutDuration } from '../cmk/timeout-option.ts';
import { temporaryDataDirectory } from '../private-instances.ts';
import { interrupted } from '../interrupted.ts';
import { dataOption, jsonOption } from '../options.ts';
import type { RootKeySource } from '../root-key-source.ts';
import { UserError } from '../user-error.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { drillInstance } from './drill-instance.ts';
import { startDrillStorage } from './drill-storage.ts';
import type { DrillRow } from './drill.ts';
import type { DrillEvent } from '../../server/drill-matrix.ts';
import { runDrill } from './drill.ts';
import { prepareOutside } from './outside.ts';
import { allCameOut, drillTable } from './present.ts';
import { makeScene } from './scene.ts';
import { startWaiting } from '../waiting.ts';
import { writeFor } from '../write-for.ts';
import { drillPage } from './page.ts';
import type { OwnDrillOptions } from './own/own-action.ts';
import { ways } from './ways.ts';

interface DrillOptions {
  readonly only: readonly string[];
  readonly html?: string;
  readonly json: boolean;
  readonly events: boolean;
  readonly cluster?: string;
}

export function drillCommand(rootKeys: RootKeySource): Command {
  return new Command('drill')
    .description(
      'Rehearse losing the key: a private instance, a cluster with rows, every way to lose its key against everything people do with it, in virtual time. With --cluster on a cluster of your own instead, here or on Azure: each way is undone again, and nothing else is sent but reads. Exit code 1 when anything is not as it must be.',
    )
    .addOption(
      new Option('--only <WAY...>', 'these ways alone')
        .choices(ways.map(({ name }) => name))
        .default([], 'all of them'),
    )
    .option('--html <FILE>', 'write a page that stands by itself, to keep or to print')
    .option('--cluster <NAME>', 'a cluster of your own, by name or resource id, with its own key')
    .option('--azure', 'that cluster is on Azure, by its resource id: asks twice', false)
    .addOption(waitOption())
    .option('--yes', 'do not ask; never on Azure', false)
    .addOption(dataOption())
    .addOption(jsonOption())
    .addOption(
      new Option('--events', 'print each cell, with its requests and answers, as a line of JSON when it has come')
        .default(false)
        .conflicts(['json', 'cluster']),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody drill\n  $ kustody drill --only keyDeleted vaultDeleted --html drill.html\n  $ kustody drill --cluster kustody --only versionDisabled policyRemoved',
    )
    .action((options: DrillOptions & Omit<OwnDrillOptions, 'cluster'>) => start(rootKeys, options));
}

/** The official clients are loaded for a cluster of one's own alone. */
async function start(rootKeys: RootKeySource, options: DrillOptions & Omit<OwnDrillOptions, 'cluster'>): Promise<void> {
  const { cluster } = options;
  if (cluster !== undefined) return (await import('./own/own-action.ts')).drillOwn({ ...options, cluster });
  if (options.azure) throw new UserError('--azure is for a cluster of your own.', 'Give --cluster RESOURCE-ID.');
  return drill(rootKeys, options);
}

const waitOption = (): Option =>
  new Option('--wait <DURATION>', 'with --cluster: how long at most until a way bites, and until it heals')
    .argParser(timeoutDuration)
    .default(3600, '1h');

async function drill(rootKeys: RootKeySource, { only, html, json, events }: DrillOptions): Promise<void> {
  const wanted = only.length === 0 ? ways : ways.filter(({ name }) => only.includes(name));
  const rootKey = rootKeys.take(undefined);
  const temporary = await temporaryDataDirectory();
  const storage = await startDrillStorage(systemRandomBytes);
  const say = (text: string): void => {
    if (!json && !events) process.stdout.write(text);
  };
  const tell = (event: DrillEvent): void => {
    if (events) process.stdout.write(`${JSON.stringify(event)}\n`);
  };
  const cancelled = cancellation();
  cancelled.catch(() => undefined);
  const waiting = startWaiting();
  try {
    const { startInstance } = await import('../instance.ts');
    const server = await startInstance({
      ...{ dataDirectory: temporary.directory, rootKey, virtualTime: true, storageAccounts: [storage.account] },
    });
    try {
      say('A cluster with 1000 rows under a key of its own …\n');
      waiting.begin('making the cluster');
      const scene = await unlessCancelled(cancelled, makeScene(await drillInstance(server)));
      const beginOutside = await unlessCancelled(cancelled, prepareOutside(scene, storage));
      let begun = 0;
      const going = runDrill(
        scene,
        beginOutside,
        {
          cell: (cell) => tell({ event: 'cell', ...cell }),
          began: ({ name, title }) => {
            tell({ event: 'began', way: name });
            begun += 1;
            waiting.begin(`way ${begun} of ${wanted.length}: ${title}`);
          },
          ended: (row) => {
            waiting.end();
            tell({ event: 'ended', way: row.way, problems: row.problems });
            const place = `${String(begun).padStart(String(wanted.length).length)}/${wanted.length}`;
            say(
              `  ${place} ${row.title} … ${row.problems.length === 0 ? 'ok' : `NOT AS IT MUST BE\n${problemLines(row)}`}\n`,
            );
          },
        },
        wanted,
      );
      const rows = await unlessCancelled(cancelled, going);
      const ok = rows.every(({ problems }) => problems.length === 0);
      if (!ok) process.exitCode = 1;
      if (html !== undefined) writeFor('--html', html, drillPage(rows, new Date().toISOString()));
      tell({ event: 'over', ok });
      if (!events)
        process.stdout.write(json ? `${JSON.stringify({ ok, rows }, undefined, 2)}\n` : `\n${summary(rows, ok)}\n`);
    } finally {
      await server.close();
    }
  } finally {
    waiting.end();
    await storage.close();
    temporary.remove();
  }
}

/** Whoever ends the drill leaves nothing of it behind. */
const cancellation = async (): Promise<never> => {
  await interrupted();
  throw new UserError('The drill was cancelled.');
};

function unlessCancelled<T>(cancelled: Promise<never>, going: Promise<T>): Promise<T> {
  going.catch(() => undefined); // once the instance is closed, what is under way fails
  return Promise.race([going, cancelled]);
}

const problemLines = ({ problems }: DrillRow): string => problems.map((problem) => `    ${problem}\n`).join('');

function summary(rows: readonly DrillRow[], ok: boolean): string {
  const last = ok
    ? `${allCameOut(rows.length)} Seconds are those of the instance's own clock, in steps of 10.`
    : 'Not everything came out as it must: see above.';
  return `${drillTable(rows)}\n${last}`;
}

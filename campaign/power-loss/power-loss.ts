import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../../tests/support/kustody-command.ts';
import { Book, killRepeatedly } from '../kill-loop.ts';
import type { CampaignPart, PartResult } from '../part.ts';
import { countOf } from '../part.ts';
import { compileUnsynced, UnsyncedDisk } from './unsynced-disk.ts';

/** Syncs that are forgotten to see that their lack would be found. Each is a pattern of paths below the disk. */
const controls: readonly { readonly what: string; readonly ignored: string }[] = [
  { what: "syncs of the state's log", ignored: '*/state.db-wal' },
  { what: 'syncs of blobs', ignored: 'data/extents/*[!/]' },
  { what: 'syncs of directories of blobs', ignored: 'data/extents/*/' },
];

/** A kill leaves what a process has written; a loss of power leaves what it has synced, and anything of the rest. */
export const powerLoss: CampaignPart = {
  id: 'power-loss',
  promise:
    'what was acknowledged is there when the power goes and unsynced writes are gone, each row once; the server starts each time',
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const count = countOf('KUSTODY_CAMPAIGN_POWER_LOSSES', 3);
  using directory = temporaryDirectory();
  const compiled = compileUnsynced(directory.path);
  if ('reason' in compiled) return { figures: [], missed: [], skipped: compiled.reason };
  const disk = new UnsyncedDisk(directory.path, compiled.library);
  const book = new Book();
  const undone = { blocks: 0, names: 0 };
  const missed = [
    ...(await killRepeatedly({
      data: join(disk.directory, 'data'),
      ...{ book, count, env: disk.env() },
      // It must not be ahead of what is left. The controls go without: it would refuse what the comparison is to find.
      args: ['--state-anchor', join(disk.directory, 'anchor')],
      killed: (done) => {
        // By turns: all that is unsynced goes, and some of it.
        const { blocks, names } = disk.losePower(() => done % 2 === 0 && Math.random() < 0.5);
        undone.blocks += blocks;
        undone.names += names;
        say(`${done} losses of power`);
      },
    })),
  ];
  const figures = [
    `${book.kills} losses of power, ${book.summary}; ${undone.blocks} blocks and ${undone.names} names undone`,
  ];
  for (const { what, ignored } of missed.length > 0 || count === 0 ? [] : controls) {
    using copy = temporaryDirectory();
    const other = new UnsyncedDisk(copy.path, compiled.library);
    cpSync(disk.directory, other.directory, { recursive: true });
    other.settle();
    const found = await killRepeatedly({
      data: join(other.directory, 'data'),
      ...{ book: new Book(book), count: 1, env: other.env(ignored) },
      killed: () => void other.losePower(() => false),
    });
    if (found.length === 0) missed.push(`the control found nothing: ${what} were ignored`);
    else figures.push(`control, ${what} ignored: ${found.length} found, such as: ${found[0]}`);
  }
  return { figures, missed };
}

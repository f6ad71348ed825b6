import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../../tests/support/kustody-command.ts';
import { Book } from '../kills/book.ts';
import { clusterKey, keyVersions } from '../kills/keys.ts';
import { killRepeatedly } from '../kills/kill-loop.ts';
import { there } from '../kills/ledger.ts';
import { isExtent, rows } from '../kills/rows.ts';
import { things } from '../kills/things.ts';
import type { CampaignPart, PartResult } from '../part.ts';
import { countOf } from '../part.ts';
import { compileUnsynced, UnsyncedDisk } from './unsynced-disk.ts';

/** Syncs that are forgotten to see that their lack would be found: a pattern of paths below the disk, and what the comparison must say. */
const controls: readonly { readonly what: string; readonly ignored: string; readonly finds: RegExp }[] = [
  {
    what: "syncs of the state's log",
    ignored: '*/state.db-wal',
    // Records that are lost, or of an earlier moment: they may name extents that a later one had removed.
    finds: / is (lost|there again)$| is .*, not |DataIntegrityError/,
  },
  { what: 'syncs of blobs', ignored: 'data/extents/*[!/]', finds: /DataIntegrityError/ },
  { what: 'syncs of directories of blobs', ignored: 'data/extents/*/', finds: /DataIntegrityError/ },
];

const works = [rows, ...things, keyVersions, clusterKey];

/** A kill leaves what a process has written; a loss of power leaves what it has synced, and anything of the rest. */
export const powerLoss: CampaignPart = {
  id: 'power-loss',
  promise:
    'what was acknowledged is there when the power goes and unsynced writes are gone, rows once, and what was deleted stays so; the server starts each time',
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const count = countOf('KUSTODY_CAMPAIGN_POWER_LOSSES', 3);
  using directory = temporaryDirectory();
  const compiled = compileUnsynced(directory.path);
  if ('reason' in compiled) return { figures: [], missed: [], skipped: compiled.reason };
  const disk = new UnsyncedDisk(directory.path, compiled.library);
  const book = new Book(works);
  const undone = { blocks: 0, names: 0 };
  const missed = [
    ...(await killRepeatedly({
      data: join(disk.directory, 'data'),
      ...{ book, count, env: disk.env() },
      // It must not be ahead of what is left. The controls go without: it would refuse what the comparison is to find.
      args: ['--state-anchor', join(disk.directory, 'anchor')],
      // Some just after it has stopped as it should.
      signal: (done) => (done % 3 === 2 ? 'SIGTERM' : 'SIGKILL'),
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
  for (const { what, ignored, finds } of missed.length > 0 || count === 0 ? [] : controls) {
    let found: readonly string[] = [];
    // Twice: when the log was just checkpointed, its syncs are not missed.
    for (let time = 0; time < 2 && found.length === 0; time += 1)
      found = await lossWithout(ignored, disk, book, compiled.library);
    const other = found.find((problem) => !finds.test(problem));
    if (found.length === 0) missed.push(`the control found nothing: ${what} were ignored`);
    else if (other !== undefined) missed.push(`the control found something else: ${what} were ignored, and ${other}`);
    else figures.push(`control, ${what} ignored: ${found.length} found, such as: ${found[0]}`);
  }
  return { figures, missed };
}

/** The power goes once in a copy of the disk, when a row of the log and an extent were acknowledged there.
 * @returns what the comparison finds */
async function lossWithout(
  ignored: string,
  disk: UnsyncedDisk,
  before: Book,
  library: string,
): Promise<readonly string[]> {
  using place = temporaryDirectory();
  const copy = new UnsyncedDisk(place.path, library);
  cpSync(disk.directory, copy.directory, { recursive: true });
  copy.settle();
  const book = before.copy();
  const known = new Set(before.ledger(rows.noun).in(there));
  const added = () =>
    book
      .ledger(rows.noun)
      .in(there)
      .filter((id) => !known.has(id));
  return await killRepeatedly({
    data: join(copy.directory, 'data'),
    ...{ book, count: 1, env: copy.env(ignored) },
    isEnough: () => added().some(isExtent) && added().some((id) => !isExtent(id)),
    killed: () => void copy.losePower(() => false),
  });
}

import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../../tests/support/kustody-command.ts';
import type { CampaignPart, PartResult } from '../part.ts';
import { countOf } from '../part.ts';
import type { Victim } from './book.ts';
import { Book } from './book.ts';
import { clusterKey, keyVersions } from './keys.ts';
import { killRepeatedly } from './kill-loop.ts';
import { mergedRows } from './rows.ts';
import { things } from './things.ts';

const works = [mergedRows, ...things, keyVersions, clusterKey];
const args = ['--virtual-time'];
/** Over all kinds of work in turn. */
const victims: readonly Victim[] = ['cluster', 'server', 'cluster', 'parser', 'server'];
/** With fewer kills, chance may pass kinds by: a quarter of them at most. */
const judgedFrom = 400;

/** Processes of a server are killed while all that it does is under way. */
export const kills: CampaignPart = {
  id: 'kills',
  promise:
    'what was acknowledged before a kill is there after it, rows once, and what was deleted stays so; the server starts each time',
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const count = countOf('KUSTODY_CAMPAIGN_KILLS', 20);
  using directory = temporaryDirectory();
  const book = new Book(works);
  const data = join(directory.path, 'data');
  const started = performance.now();
  const missed = [
    ...(await killRepeatedly({
      ...{ data, book, count, args, killsStarts: true },
      victim: (done) => victims[done % victims.length] ?? 'server',
      killed: (done) => {
        if (done % 25 < 2) say(`${done} kills in ${seconds(started)} s: ${book.summary}`);
      },
    })),
  ];
  const figures = [`${book.kills} kills in ${seconds(started)} s: ${book.summary}`, ...hitsOf(book)];
  missed.push(...kindsPassedBy(book));
  if (missed.length === 0) {
    const found = await dropped(data, join(directory.path, 'before'), book.copy());
    figures.push(`control, commits dropped: ${found.length} found, such as: ${found[0] ?? 'nothing'}`);
    missed.push(...notFound(found));
  }
  return { figures, missed: missed.slice(0, 20) };
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(0);

/** By kind of work, how many kills came while it was under way. */
function hitsOf({ hits }: Book): readonly string[] {
  return [...hits].map(([kind, counts]) => {
    const each = [...counts].map(([victim, count]) => `${victim} ${count}`);
    return `killed during ${kind}: ${each.join(', ')}`;
  });
}

function kindsPassedBy({ kills: count, hits }: Book): readonly string[] {
  const kinds = works.flatMap((work) => work.kinds);
  const isJudged = count >= judgedFrom;
  const passedBy = kinds.filter((kind) => (isJudged ? (hits.get(kind)?.get('server') ?? 0) === 0 : !hits.has(kind)));
  if (!isJudged && (count < kinds.length * 4 || passedBy.length <= kinds.length / 4)) return [];
  return passedBy.map((kind) => `no ${isJudged ? 'server' : 'process'} was killed during ${kind}`);
}

/** The control: a copy of the directory is put back after more was acknowledged, so that every commit since is undone.
 * @returns what the comparison finds */
async function dropped(data: string, before: string, book: Book): Promise<readonly string[]> {
  let isCopied = false;
  const isUndone = (): boolean => {
    const undone = book.undone();
    return losses.every((loss) => undone.some((problem) => loss.test(problem)));
  };
  return killRepeatedly({
    ...{ data, book, count: 2, args, isEnough: () => !isCopied || isUndone() },
    killed: () => {
      if (isCopied) {
        rmSync(data, { recursive: true });
        cpSync(before, data, { recursive: true });
      } else cpSync(data, before, { recursive: true });
      isCopied = true;
    },
  });
}

const losses = works.flatMap(({ noun, losses: each }) => each.map((loss) => new RegExp(`${noun} .*${loss.source}`)));

/** Every kind of loss that was made has to be found. */
const notFound = (found: readonly string[]): readonly string[] =>
  losses
    .filter((loss) => !found.some((problem) => loss.test(problem)))
    .map((loss) => `the control found nothing like /${loss.source}/`);

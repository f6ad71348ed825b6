import { join } from 'node:path';
import { temporaryDirectory } from '../tests/support/kustody-command.ts';
import { Book, killRepeatedly } from './kill-loop.ts';
import type { CampaignPart, PartResult } from './part.ts';
import { countOf } from './part.ts';

/** The whole server is killed while rows are ingested, key versions made and resource groups written. */
export const kills: CampaignPart = {
  id: 'kills',
  promise: 'what was acknowledged before a kill is there after it, each row once; the server starts each time',
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const count = countOf('KUSTODY_CAMPAIGN_KILLS', 10);
  using directory = temporaryDirectory();
  const book = new Book();
  const killed = (done: number): void => {
    if (done % 100 === 0) say(`${done} kills`);
  };
  const missed = await killRepeatedly({ data: join(directory.path, 'data'), book, count, killed });
  return { figures: [`${book.kills} kills, ${book.summary}`], missed };
}

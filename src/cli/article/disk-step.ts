import { scanForCanaries } from '../../server/canary-scan.ts';
import type { Step } from './article-steps.ts';
import type { ArticleData } from './data.ts';

/** Reads every file of the data directory, which only a Kustody has: on Azure nobody but Microsoft can look. */
export async function proveNothingInTheClear(dataDirectory: string, data: ArticleData, step: Step): Promise<void> {
  await step(
    'Look for the rows on the disk',
    'Every file under the data directory is read, for plain text, UTF-16 and base64.',
    async () => {
      const { files, bytes, matches, unreadable } = await scanForCanaries(dataDirectory, data.canaries);
      if (matches.length > 0)
        throw new Error(`Found in ${matches.map(({ file, form }) => `${file} (${form})`).join(', ')}.`);
      if (unreadable.length > 0) throw new Error(`Could not read ${unreadable.join(', ')}.`);
      return { value: undefined, result: `nothing in ${files} files, ${Math.round(bytes / 1024)} KiB` };
    },
  );
}

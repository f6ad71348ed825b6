import { closeSync, openSync, writeSync } from 'node:fs';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import { UserError } from '../user-error.ts';
import { whileWaiting } from '../waiting.ts';
import type { FilterOptions } from './event-query.ts';
import { askEvents } from './event-query.ts';

export async function exportEvents(options: FilterOptions & { readonly out?: string }): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  const out = options.out === undefined ? undefined : openNew(options.out);
  const write = (text: string): unknown => (out === undefined ? process.stdout.write(text) : writeSync(out, text));
  let count = 0;
  try {
    await whileWaiting(async (begin) => {
      begin('exporting the audit log');
      for (let after: number | undefined = 0; after !== undefined;) {
        const page = await askEvents(client, options, { after: String(after) });
        write(page.events.map(({ event }) => `${JSON.stringify(event)}\n`).join(''));
        count += page.events.length;
        after = page.next;
        if (after !== undefined) begin(`exporting the audit log: ${count} events`);
      }
    });
  } finally {
    if (out !== undefined) closeSync(out);
  }
  if (options.out !== undefined) process.stderr.write(`${count} events are in ${options.out}.\n`);
}

/** Nothing is overwritten. */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EEXIST') throw new UserError(`${path} is there already.`, 'Name another file with --out.');
    throw new UserError(`${path} cannot be written (${code}).`);
  }
}

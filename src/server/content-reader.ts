import { readJsonBody } from '../http/body-parsers.ts';
import { createOutwardReader, OutwardError } from '../http/outward-json.ts';
import type { OutwardOptions, ReadJson } from '../http/outward-json.ts';

/** At the same time; so many more wait for their turn. */
const readsMax = 8;
const waitingMax = 200;

/** Reads templates and parameters that a deployment links to: at most four MB, as in Azure, in the JSON that deployments are sent in. */
export function createContentReader(options: Pick<OutwardOptions, 'allowedHosts' | 'resolveHost' | 'ca'>): ReadJson {
  const read = createOutwardReader({
    ...options,
    timeoutMs: 20_000,
    bytesMax: 4 * 1024 * 1024,
    parse: (text) => readJsonBody(Buffer.from(text), true),
  });
  let reading = 0;
  const waiting: (() => void)[] = [];
  return async (url) => {
    if (reading < readsMax) reading += 1;
    else if (waiting.length >= waitingMax)
      throw new OutwardError('failed', '', 'Too many templates are read at the same time.');
    else await new Promise<void>((resolve) => waiting.push(resolve)); // who goes hands on its place
    try {
      return await read(url);
    } finally {
      const next = waiting.shift();
      if (next === undefined) reading -= 1;
      else next();
    }
  };
}

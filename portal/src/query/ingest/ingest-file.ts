import { mgmt } from '../../api/kusto.ts';
import { callPlane } from '../../api/planes.ts';
import type { Ingestion } from './plan-file.ts';
import { commandsOf, mappingName } from './plan-file.ts';
import { csvRecords } from './text-files.ts';

/** Sends the file by streaming ingestion: all of its rows, or none. @returns how many @throws ApiError with the service's own words */
export async function ingestFile(file: Blob, ingestion: Ingestion): Promise<number> {
  const { where, table, format, named } = ingestion;
  const { before, after } = commandsOf(ingestion);
  for (const command of before) await mgmt(where, command);
  try {
    const path = `/v1/rest/ingest/${encodeURIComponent(where.database)}/${encodeURIComponent(table)}`;
    const query = `?streamFormat=${format}&mappingName=${mappingName}`;
    const body = format === 'csv' && named ? await withoutNames(file) : file;
    const answer = await callPlane(where.host, path + query, {
      ...{ method: 'POST', body },
      headers: { 'content-type': 'application/octet-stream', 'x-ms-app': 'Kustody portal' },
    });
    return rowsIn(await answer.json());
  } finally {
    await mgmt(where, after).catch(() => undefined); // the next file puts its own in its place
  }
}

/** Streaming ingestion has no word for a first record that is none. */
async function withoutNames(file: Blob): Promise<Blob> {
  const text = await file.text();
  const [end = 0] = csvRecords(text, true, 1).ends;
  return new Blob([text.slice(end)]);
}

function rowsIn(answer: unknown): number {
  const { Tables } = answer as { readonly Tables?: readonly { readonly Rows?: readonly (readonly unknown[])[] }[] };
  return Number(Tables?.[0]?.Rows?.[0]?.[0] ?? 0);
}

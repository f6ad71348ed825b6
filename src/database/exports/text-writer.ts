import { Turns } from '../../base/turns.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { TextFormat } from './encode-rows.ts';
import { rowEncoder } from './encode-rows.ts';
import type { ExportLayout } from './export-layout.ts';
import type { BlobSequence, FolderWriter, OpenBlob } from './folder-writer.ts';

/** So much text is put together before it goes on. */
const textBytes = 1024 * 1024;
const valuesPerTurn = 32_768;
const byteOrderMark = '\ufeff';

/** Delimited text and lines of JSON: each row goes out as it comes. */
export function textWriter(
  format: TextFormat,
  layout: ExportLayout,
  columns: readonly Column[],
  folder: string,
  blobs: BlobSequence,
): FolderWriter {
  const encoder = rowEncoder(format, columns);
  const turns = new Turns(valuesPerTurn);
  let open: OpenBlob | undefined;
  let files = 0;
  let rowCount = 0;
  let pending: string[] = [];
  let pendingBytes = 0;

  const begin = async (): Promise<OpenBlob> => {
    const opened = await blobs.next(folder, layout.compression !== undefined);
    files += 1;
    if (layout.byteOrderMark) await opened.stream.write(Buffer.from(byteOrderMark));
    const hasHeader = layout.headers === 'all' || (layout.headers === 'firstFile' && files === 1);
    if (hasHeader && encoder.header !== '') await opened.stream.write(Buffer.from(encoder.header));
    return opened;
  };
  const flush = async (): Promise<void> => {
    if (open === undefined || pendingBytes === 0) return;
    const text = pending.join('');
    pending = [];
    pendingBytes = 0;
    await open.stream.write(Buffer.from(text));
  };
  const finish = async (): Promise<void> => {
    const done = open;
    if (done === undefined) return;
    await flush();
    open = undefined;
    await done.finish(rowCount);
    rowCount = 0;
  };
  return {
    async add(chunk, rows) {
      for (const at of rows) {
        const line = encoder.row(chunk, at);
        const bytes = Buffer.byteLength(line);
        if (open !== undefined && rowCount > 0 && open.stream.plainBytes + pendingBytes + bytes > layout.sizeLimit)
          await finish();
        open ??= await begin();
        pending.push(line);
        pendingBytes += bytes;
        rowCount += 1;
        if (pendingBytes >= textBytes) await flush();
        await turns.after(columns.length);
      }
    },
    end: finish,
    abandon: () => {
      open?.stream.abandon();
      open = undefined;
      pending = [];
      return Promise.resolve();
    },
  };
}

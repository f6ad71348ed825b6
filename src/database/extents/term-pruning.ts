import { closeSync, openSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ScanRange, TableUses } from '../../kql/scan-ranges.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import type { ExtentFiles } from './extent-files.ts';
import type { ReadableColumn } from './extent-statistics.ts';
import type { TermHash } from './term-filter.ts';
import { certainTerms, mayHaveTerm, termHash } from './term-filter.ts';

/** What rows are looked for: of each of these, all terms of one alternative. */
interface Clause {
  readonly columnId: number;
  readonly alternatives: readonly (readonly TermHash[])[];
}

const parallelMax = 4;
/** Beyond so many terms a filter is read as a whole. */
const singleReadsMax = 32;

/** Those of some extents that may have rows with the terms that are looked for; extents without a filter may. */
export async function withTerms(
  files: Pick<ExtentFiles, 'open'>,
  columns: readonly ReadableColumn[],
  extents: readonly ExtentRecord[],
  { rows, summaries }: TableUses,
): Promise<readonly ExtentRecord[]> {
  const clauses = rows === undefined || summaries.length > 0 ? [] : clausesOf(columns, rows);
  if (clauses.length === 0) return extents;
  const may: boolean[] = extents.map(() => true);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < extents.length; index = next++) {
      const extent = extents[index];
      if (extent !== undefined) may[index] = await mayHave(files, extent, clauses);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelMax, extents.length) }, work));
  return extents.filter((_extent, index) => may[index] === true);
}

function clausesOf(columns: readonly ReadableColumn[], ranges: readonly ScanRange[]): readonly Clause[] {
  return ranges.flatMap(({ column, texts, needles = [] }) => {
    const columnId = columns.find(({ name }) => name === column)?.columnId;
    if (columnId === undefined) return [];
    return [...(texts ? [texts] : []), ...needles].flatMap((some): Clause[] => {
      const alternatives = some.map((needle) => certainTerms(needle).map((term) => termHash(columnId, term)));
      return alternatives.some((terms) => terms.length === 0) ? [] : [{ columnId, alternatives }];
    });
  });
}

async function mayHave(
  files: Pick<ExtentFiles, 'open'>,
  { terms }: ExtentRecord,
  clauses: readonly Clause[],
): Promise<boolean> {
  const own = clauses.filter(({ columnId }) => terms?.columnIds.includes(columnId) === true);
  if (terms?.form !== 1 || own.length === 0) return true;
  // One that does not open is no reason not to read the extent, which says by itself what is wrong with the key.
  const opened = await files.open(terms.sealed).catch(() => undefined);
  if (opened === undefined) return true;
  try {
    const count = own.flatMap(({ alternatives }) => alternatives.flat()).length;
    const reader = count > singleReadsMax ? await wholeFilter(opened.path) : singleBytes(opened.path);
    try {
      return own.every(({ alternatives }) =>
        alternatives.some((hashes) => hashes.every((hash) => mayHaveTerm(hash, terms.bits, reader.byteAt))),
      );
    } finally {
      reader.close();
    }
  } finally {
    opened.release();
  }
}

interface FilterReader {
  readonly byteAt: (place: number) => number;
  readonly close: () => void;
}

async function wholeFilter(path: string): Promise<FilterReader> {
  const bytes = await readFile(path);
  // What is not there says that anything may be.
  return { byteAt: (place) => bytes[place] ?? 0xff, close: () => undefined };
}

/** The file lies in memory: a byte of it takes a microsecond. */
function singleBytes(path: string): FilterReader {
  const descriptor = openSync(path, 'r');
  const byte = Buffer.alloc(1);
  return {
    byteAt: (place) => (readSync(descriptor, byte, 0, 1, place) === 1 ? (byte[0] ?? 0xff) : 0xff),
    close: () => closeSync(descriptor),
  };
}

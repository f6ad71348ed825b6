import { createHash } from 'node:crypto';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { TermFilterFacts } from '../catalog/records.ts';
import { collect } from './collect.ts';
import type { StoredColumn } from './tail-table.ts';
import { columnName } from './tail-table.ts';

// A Bloom filter of the terms in the texts of an extent: a term is a maximal run of letters and digits, of any case.

/** Bits for each term, and how many of them a term sets: one term in 150 that is not there seems to be. */
const bitsPerTerm = 12;
const probes = 4;
/** Smaller extents are read about as fast as a filter. */
const rowsMin = 1_000;
/** More terms get no filter: 6 MiB are enough for one. */
const termsMax = 4 << 20;

let made = 0;

/** Made by DuckDB alone, in its threads, from the Parquet that it has just written.
 * @returns undefined where a filter is of no use, or there is no memory for one */
export async function makeTermFilter(
  connection: StatementConnection,
  path: string,
  columns: readonly StoredColumn[],
  rowCount: number,
): Promise<(Omit<TermFilterFacts, 'sealed'> & { readonly bytes: Buffer }) | undefined> {
  const columnIds = columns.filter(({ type }) => type === 'string').map(({ columnId }) => columnId);
  if (columnIds.length === 0 || rowCount < rowsMin) return undefined;
  made += 1;
  const table = `terms_${made}`;
  try {
    const hashes = columnIds.map((columnId) => hashesOf(columnId, path)).join(' UNION ALL ');
    await connection.run(`CREATE TEMP TABLE ${table} AS ${hashes}`);
    const [[count] = []] = await collect(connection, `SELECT count(*) FROM ${table}`);
    const terms = Number(count);
    if (terms > termsMax) return undefined;
    const bits = Math.ceil(Math.max(terms, 1) * bitsPerTerm * 0.125) * 8;
    const place = `(CAST(h & 4294967295 AS BIGINT) + probe * CAST(h >> 32 AS BIGINT)) % ${bits}`;
    const [[base64] = []] = await collect(
      connection,
      `SELECT to_base64(CAST(bitstring_agg(${place}, 0, ${bits - 1}) AS BLOB)) FROM ${table}, range(${probes}) AS t(probe)`,
    );
    // Texts without any term set no bit.
    const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.alloc(bits / 8);
    return { form: 1, columnIds, bits, bytes };
  } catch (error) {
    if (error instanceof KqlError && error.code === 'memory') return undefined;
    throw error;
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

/** Each value is looked at once. Two characters beyond ASCII are s and k to whoever compares without case. */
function hashesOf(columnId: number, path: string): string {
  const name = columnName(columnId);
  const values = `SELECT DISTINCT replace(replace(lower(${name}), 'ſ', 's'), '\u212a', 'k') AS v FROM read_parquet('${path}')`;
  const terms = `SELECT DISTINCT unnest(regexp_extract_all(v, '[\\p{L}\\p{N}]+')) AS term FROM (${values})`;
  return `SELECT md5_number_lower('${columnId}:' || term) AS h FROM (${terms})`;
}

/** Of a term: from its two halves follow the bits that it sets. */
export type TermHash = readonly [first: number, step: number];

export function termHash(columnId: number, term: string): TermHash {
  const digest = createHash('md5').update(`${columnId}:${term}`).digest();
  return [digest.readUInt32LE(8), digest.readUInt32LE(12)];
}

/** @param byteAt of the filter, by its place */
export function mayHaveTerm([first, step]: TermHash, bits: number, byteAt: (place: number) => number): boolean {
  for (let probe = 0; probe < probes; probe += 1) {
    const place = (first + probe * step) % bits;
    if ((byteAt(place >>> 3) & (0x80 >> (place & 7))) === 0) return false;
  }
  return true;
}

/** Terms that a text has for certain which is equal to another, or has it as `has` means: runs of ASCII between what is neither letter nor
 * digit to anybody's Unicode. */
export const certainTerms = (needle: string): readonly string[] =>
  Array.from(needle.matchAll(/(?<![A-Za-z0-9\u0080-\uffff])[A-Za-z0-9]+(?![A-Za-z0-9\u0080-\uffff])/g), ([term]) =>
    term.toLowerCase(),
  );

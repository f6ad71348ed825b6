import type { RecordSeal } from '../record-seal.ts';
import { SealedRecordError } from '../record-seal.ts';
import type { RecordWrite, StateStore, StoredRecord } from '../state-store.ts';
import { StateConflictError } from '../state-store.ts';
import type { Said } from '../tree/commit-groups.ts';
import { checkTable } from '../tree/build-trees.ts';
import { placeOfCopy } from '../tree/tree-records.ts';
import type { VerifiedStore } from '../tree/verified-store.ts';

export interface ResealParts {
  /** Below the digests. */
  readonly store: StateStore;
  readonly verified: VerifiedStore;
  /** Seals under the new root key, and opens what the old one has sealed. */
  readonly seal: RecordSeal;
}

export interface ResealCounts {
  /** Sealed anew by this run. */
  readonly resealed: number;
  /** Looked at: all that the digests name. */
  readonly records: number;
  /** Records that open under neither root key, or are not those that were written last: they stay as they lie there, refused as before. */
  readonly damaged: number;
}

export interface ResealSteps {
  /** Called between two commits, with what was looked at so far; what it throws ends it there. */
  readonly progress?: ((done: number) => void) | undefined;
  /** Called before the commit that ends it; what it throws leaves the state open with both keys, as an interruption does. */
  readonly mayEnd?: () => Promise<void>;
}

/** Small enough that those who commit beside it do not wait. */
const recordsPerCommit = 100;
const bytesPerCommitMax = 4 * 1024 * 1024;
/** A pass finds nothing that is left of the one before, unless somebody changes the store beside us. */
const passesMax = 5;

/** The state did not come to an end of it. */
export class NotResealedError extends Error {
  override readonly name = 'NotResealedError';
}

/** Seals everything that the digests name under the root key that seals now: each record, and each page and head that leads to it, in the
 * same commit. Values and versions stay, and others commit meanwhile. What is there under the new one already is not written: so it goes on
 * where an earlier run was ended.
 *
 * Order: what waits to be committed, perhaps sealed under the old key, is durable → all records → again, until nothing was left → every record
 * of the store is looked at: none that is in use is sealed under the old key.
 * @throws NotResealedError, SealedRecordError when digests are damaged: the state has to be accepted first */
export async function resealAll(
  parts: ResealParts,
  progress: (done: number) => void = () => undefined,
): Promise<ResealCounts> {
  const { verified } = parts;
  let resealed = 0;
  for (let pass = 1; pass <= passesMax; pass += 1) {
    await verified.reseal([], []); // the top, and after all that was sealed before
    const counts = await resealOnce(parts, progress);
    resealed += counts.resealed;
    if (counts.resealed === 0 && !(await isLeft(parts, () => progress(counts.records)))) return { ...counts, resealed };
  }
  throw new NotResealedError(
    `After ${passesMax} times through all records some are sealed under the old root key still. Run the same command again.`,
  );
}

async function resealOnce(parts: ResealParts, progress: (done: number) => void): Promise<ResealCounts> {
  let [resealed, records, damaged] = [0, 0, 0];
  for (const owner of parts.verified.owners()) {
    for (let after: string | undefined; ;) {
      const said = await parts.verified.saidOf(owner, after, recordsPerCommit);
      const counts = await resealSome(parts, said);
      resealed += counts.resealed;
      damaged += counts.damaged;
      progress((records += said.length));
      await othersTurn();
      after = said.at(-1)?.key;
      if (said.length < recordsPerCommit) break;
    }
  }
  return { resealed, records, damaged };
}

/** Records that are written meanwhile are under the new key then: they are left out when it is tried again. */
async function resealSome(
  parts: ResealParts,
  said: readonly Said[],
): Promise<Pick<ResealCounts, 'resealed' | 'damaged'>> {
  let [resealed, damaged] = [0, 0];
  for (let rest = said; rest.length > 0;) {
    const { write, lost, looked } = await plan(parts, rest);
    try {
      if (write.length + lost.length > 0) await parts.verified.reseal(write, lost);
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
      // At most one record at a time: whoever writes it all the time does not keep the others.
      for (const one of rest.length === 1 ? [] : rest) {
        const counts = await resealSome(parts, [one]);
        resealed += counts.resealed;
        damaged += counts.damaged;
      }
      if (rest.length > 1) return { resealed, damaged };
      continue;
    }
    resealed += write.length;
    damaged += lost.length;
    rest = rest.slice(looked);
  }
  return { resealed, damaged };
}

/** As many as one commit takes. @returns `looked`: how many of them that was */
async function plan({ verified, seal }: ResealParts, said: readonly Said[]) {
  const write: RecordWrite[] = [];
  const lost: Said[] = [];
  let [looked, bytes] = [0, 0];
  for (const { table, id } of said) {
    if (bytes >= bytesPerCommitMax) break;
    looked += 1;
    try {
      const record = await verified.get(table, id);
      if (record === undefined || seal.isCurrent(record)) continue;
      const { version } = record;
      const value = seal.seal({ table, id, version, value: seal.open(record) });
      bytes += value.byteLength;
      write.push({ table, id, expect: version, put: { version, value } });
    } catch (error) {
      if (!(error instanceof SealedRecordError)) throw error;
      lost.push({ table, id });
    }
  }
  return { write, lost, looked };
}

/** Whether anything in the store that is in use is sealed under the old root key. What is in no digest (put back by somebody, or left behind)
 * is read by nobody, and stays. */
async function isLeft({ store, verified, seal }: ResealParts, progress: () => void): Promise<boolean> {
  for (const table of await store.tables()) {
    if (table === checkTable) continue;
    for await (const page of pagesOf(store, table)) {
      for (const stored of page) {
        const record = placeOfCopy(stored);
        if (seal.isCurrent(record) || !opens(seal, record)) continue;
        if (await verified.isInUse(record)) return true;
      }
      progress();
      await othersTurn();
    }
  }
  return false;
}

function opens(seal: RecordSeal, record: StoredRecord): boolean {
  try {
    seal.open(record);
    return true;
  } catch (error) {
    if (error instanceof SealedRecordError) return false;
    throw error;
  }
}

async function* pagesOf(store: StateStore, table: string): AsyncGenerator<readonly StoredRecord[]> {
  for (let after: string | undefined; ;) {
    const page = await store.list(table, { limit: recordsPerCommit, ...(after === undefined ? {} : { after }) });
    yield page;
    after = page.at(-1)?.id;
    if (after === undefined || page.length < recordsPerCommit) return;
  }
}

/** A store may answer at once: others on this thread go on. */
const othersTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

import { isJsonObject } from '../../base/json.ts';
import type { Json } from '../../base/json.ts';
import type { RecordSeal } from '../record-seal.ts';
import { SealedRecordError } from '../record-seal.ts';
import type { RecordWrite, StateStore, StoredRecord } from '../state-store.ts';
import type { TreeRoot } from './tree-edit.ts';
import type { Entry, Page, PageRef } from './tree-page.ts';
import { decodePage, encodePage, tagOf } from './tree-page.ts';

export const pageTable = 'tree-pages';
export const headTable = 'tree-heads';
/** Second copies of what all owners hang on: one flipped bit there stops nobody. */
const copyTable = 'tree-copies';
export const treeTables: readonly string[] = [pageTable, headTable, copyTable];

/** What a record of the second copies is a copy of, sealed for the place of that; any other record as it is. */
export function placeOfCopy(record: StoredRecord): StoredRecord {
  if (record.table !== copyTable) return record;
  const at = record.id.indexOf('/');
  return { ...record, table: record.id.slice(0, at), id: record.id.slice(at + 1) };
}

/** The tree over the heads of all owners; its own head is the top. */
export const topOwner = 'owners';
export const headId = (owner: string): string => `of ${owner}`;
export const ownerOfHead = (id: string): string => id.slice(3);

/** A head as it is stored: `version` counts the durable commits of the whole state, so it says when the head was written. */
export type Head = TreeRoot & Entry;

/** A draw costs more than what it draws, and a commit seals six pages and heads as a rule. */
const noncesDrawn = 6;

/** One state of everything. */
export interface Point {
  readonly counter: number;
  /** The tag of the top. */
  readonly digest: string;
}

export interface Top extends Head {
  /** Written while an anchor was kept. */
  readonly anchored: boolean;
  /** Where an anchor may stand that this state descends from, besides here. */
  readonly lineage: readonly Point[];
}

export const pointOf = ({ version, tag }: Entry): Point => ({ counter: version, digest: tag });

/** What lies at a place, or at its copy, is not what is meant. */
export const notMeant = (table: string, id: string): SealedRecordError => new SealedRecordError(table, id, 'old');

/** Reads and seals the records that trees are made of. */
export class TreeRecords {
  readonly #store: StateStore;
  readonly #seal: RecordSeal;

  constructor(store: StateStore, seal: RecordSeal) {
    this.#store = store;
    this.#seal = seal;
  }

  /** @throws SealedRecordError when it is not the page that is referred to */
  async page(owner: string, ref: PageRef): Promise<Page> {
    const id = `${owner}/${ref.page}`;
    const bytes = await this.#meant(pageTable, id, owner === topOwner, ({ value }) => tagOf(value) === ref.tag);
    const page = bytes && decodePage(bytes.plain);
    if (page === undefined) throw notMeant(pageTable, id);
    return page;
  }

  /** Nonces for what one commit seals, drawn some at a time. What is left over is for nobody. */
  nonces(): () => Uint8Array | undefined {
    let drawn: readonly Uint8Array[] = [];
    let taken = noncesDrawn;
    return () => {
      if (taken === noncesDrawn) [drawn, taken] = [this.#seal.nonces(noncesDrawn), 0];
      taken += 1;
      return drawn[taken - 1];
    };
  }

  sealPage(owner: string, page: number, was: PageRef | undefined, version: number, put: Page, nonce?: Uint8Array) {
    const id = `${owner}/${page}`;
    const { writes, tag } = this.#sealed(
      pageTable,
      id,
      was?.version,
      version,
      encodePage(put),
      owner === topOwner,
      nonce,
    );
    return { writes, ref: { page, version, tag } };
  }

  /** @throws SealedRecordError */
  openHead(record: StoredRecord): Head {
    return headOf(this.#seal.open(record), record);
  }

  sealHead(owner: string, was: Head | undefined, version: number, { root, next }: TreeRoot, nonce?: Uint8Array) {
    const plain = Buffer.from(JSON.stringify({ root, next }));
    const { writes, tag } = this.#sealed(headTable, headId(owner), was?.version, version, plain, false, nonce);
    return { writes, head: { next, version, tag, ...(root === undefined ? {} : { root }) } satisfies Head };
  }

  /** @returns undefined when there is none */
  async top(): Promise<Top | undefined> {
    const id = headId(topOwner);
    const found = await this.#meant(headTable, id, true, () => true);
    if (found === undefined) return undefined;
    const value = JSON.parse(found.plain.toString()) as { anchored?: boolean; lineage?: readonly Point[] };
    const head = headOf(found.plain, found.record);
    return { ...head, anchored: value.anchored === true, lineage: value.lineage ?? [] };
  }

  sealTop(
    was: Top | undefined,
    version: number,
    next: Pick<Top, 'root' | 'next' | 'anchored' | 'lineage'>,
    nonce?: Uint8Array,
  ) {
    const plain = Buffer.from(JSON.stringify(next));
    const { writes, tag } = this.#sealed(headTable, headId(topOwner), was?.version, version, plain, true, nonce);
    const { root, next: nextPage, anchored, lineage } = next;
    const rooted = root === undefined ? {} : { root };
    return { writes, top: { version, tag, next: nextPage, anchored, lineage, ...rooted } satisfies Top };
  }

  /** The deletes of what is not used any more. */
  removed(table: string, id: string, version: number, isCopied = false): readonly RecordWrite[] {
    const one = { expect: version, put: null };
    return [{ table, id, ...one }, ...(isCopied ? [{ table: copyTable, id: `${table}/${id}`, ...one }] : [])];
  }

  /** @returns the first that opens and is meant, of the record and its copy */
  async #meant(table: string, id: string, isCopied: boolean, isMeant: (record: StoredRecord) => boolean) {
    const places = [{ table, id }, ...(isCopied ? [{ table: copyTable, id: `${table}/${id}` }] : [])];
    let newest: { readonly record: StoredRecord; readonly plain: Buffer } | undefined;
    for (const place of places) {
      const found = await this.#store.get(place.table, place.id);
      if (found === undefined) continue;
      const record = { ...found, table, id };
      if (!isMeant(record) || (newest !== undefined && newest.record.version >= record.version)) continue;
      try {
        newest = { record, plain: this.#seal.open(record) };
      } catch (error) {
        if (!(error instanceof SealedRecordError)) throw error;
      }
    }
    return newest;
  }

  /** The copy is the same bytes under another name. */
  #sealed(
    table: string,
    id: string,
    was: number | undefined,
    version: number,
    value: Uint8Array,
    isCopied: boolean,
    nonce: Uint8Array | undefined,
  ) {
    const sealed = this.#seal.seal({ table, id, version, value }, nonce);
    const write = { expect: was ?? null, put: { version, value: sealed } };
    const writes: RecordWrite[] = [{ table, id, ...write }];
    if (isCopied) writes.push({ table: copyTable, id: `${table}/${id}`, ...write });
    return { writes, tag: tagOf(sealed) };
  }
}

function headOf(plain: Buffer, { table, id, version, value }: StoredRecord): Head {
  const head = JSON.parse(plain.toString()) as Json;
  if (!isJsonObject(head) || typeof head['next'] !== 'number') throw new SealedRecordError(table, id, 'unreadable');
  const root = head['root'] as PageRef | undefined;
  return { ...(root === undefined ? {} : { root }), next: head['next'], version, tag: tagOf(value) };
}

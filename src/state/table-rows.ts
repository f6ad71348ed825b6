import { invariant } from '../base/invariant.ts';

/** What the state must know of a table besides its name. */
export interface TableRow {
  readonly table: { readonly name: string };
  readonly owner: OwnerRule;
  /** History, and what can be said again: a damaged record is left out, and replaced by the next write. Everything else fails closed. */
  readonly losable?: true;
  /** Requests read it again and again: opened records stay in memory. Never for what holds secrets in the clear. */
  readonly keptOpen?: true;
  /** As `keptOpen`, for what holds secrets in the clear: it stays in memory under a `MemoryVeil`, and each read takes that off anew. */
  readonly keptVeiled?: true;
}

/** Whose records are: the cluster, vault or tenant that they belong to, or `instance`. */
export interface OwnerRule {
  /** Never the word before the first blank alone, but for owners that there is one of. */
  readonly of: (id: string) => string;
  /** Whether an owner may have records whose ids begin so. */
  readonly within: (prefix: string, owner: string) => boolean;
}

/** All records of the table have one owner. */
export const sharedOwner = (owner: string): OwnerRule => ({ of: () => owner, within: (_prefix, one) => one === owner });

/** `{owner}` or `{owner}/…`: what comes before the first slash names the owner. */
export const firstSegmentOwner = (kind: string): OwnerRule => ({
  of: (id) => `${kind} ${firstSegment(id)}`,
  within: (prefix, owner) =>
    prefix.includes('/') ? owner === `${kind} ${firstSegment(prefix)}` : owner.startsWith(`${kind} ${prefix}`),
});

function firstSegment(id: string): string {
  const end = id.indexOf('/');
  return end < 0 ? id : id.slice(0, end);
}

const instance = sharedOwner('instance');

/** The rows by name. A table without a row belongs to the instance and is not losable. */
export class TableRows {
  readonly #rows: ReadonlyMap<string, TableRow>;

  constructor(rows: readonly TableRow[] = []) {
    for (const { table, losable, keptOpen, keptVeiled } of rows)
      invariant(
        !losable || !(keptOpen || keptVeiled),
        `what is kept of ${table.name} is told apart by marks, which the losable have not`,
      );
    this.#rows = new Map(rows.map((row) => [row.table.name, row]));
  }

  isLosable(table: string): boolean {
    return this.#rows.get(table)?.losable === true;
  }

  isKeptOpen(table: string): boolean {
    return this.#rows.get(table)?.keptOpen === true;
  }

  isKeptVeiled(table: string): boolean {
    return this.#rows.get(table)?.keptVeiled === true;
  }

  ownerOf(table: string, id: string): string {
    return (this.#rows.get(table)?.owner ?? instance).of(id);
  }

  ownersWithin(table: string, prefix: string): (owner: string) => boolean {
    const rule = this.#rows.get(table)?.owner ?? instance;
    return (owner) => rule.within(prefix, owner);
  }

  /** Everything that the owner has may be lost, so its digests may be made anew. */
  isLosableOwner(owner: string): boolean {
    const own = [...this.#rows.values()].filter((row) => row.owner.within('', owner));
    return owner !== 'instance' && own.length > 0 && own.every((row) => row.losable === true);
  }
}

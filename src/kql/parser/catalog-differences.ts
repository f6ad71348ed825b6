import { invariant } from '../../base/invariant.ts';
import type { CatalogDatabase, KqlCatalog } from '../plan/catalog.ts';

type List = Exclude<keyof CatalogDatabase, 'name'>;
type Lists = { readonly [Of in List]?: readonly number[] };
const isList: Readonly<Record<List, true>> = {
  tables: true,
  functions: true,
  materializedViews: true,
  graphs: true,
  externalTables: true,
  storedResults: true,
  entityGroups: true,
};
const lists = Object.keys(isList) as List[];
type Entity = object;

/** What the parser process does not know yet of a catalog. A catalog has hundreds of tables and functions, and a change changes one: each goes over
 * once, and from then on is a number. */
export interface CatalogDifference extends Omit<KqlCatalog, 'databases'> {
  readonly databases: readonly (Lists & Pick<CatalogDatabase, 'name'>)[];
  readonly entities: readonly (readonly [number: number, entity: Entity])[];
  /** Versions that nobody asks for any more, and entities that are in no other. */
  readonly forget: { readonly versions: readonly string[]; readonly entities: readonly number[] };
}

/** What one parser process has been told. Entities that are the same object are the same.
 * @param catalogsMax so many are kept, the ones that were asked for last */
export class ToldCatalogs {
  readonly #catalogsMax: number;
  readonly #numbers = new WeakMap<Entity, number>();
  /** Numbers by version. */
  readonly #told = new Map<string, ReadonlySet<number>>();
  /** How many of these versions have an entity, by its number. */
  readonly #holders = new Map<number, number>();
  #next = 1;

  constructor(catalogsMax: number) {
    this.#catalogsMax = catalogsMax;
  }

  /** @returns what has to be told before the catalog is asked about; undefined: nothing */
  difference(catalog: KqlCatalog): CatalogDifference | undefined {
    const known = this.#told.get(catalog.version);
    if (known !== undefined) {
      this.#told.delete(catalog.version);
      this.#told.set(catalog.version, known);
      return undefined;
    }
    const numbers = new Set<number>();
    const entities: (readonly [number, Entity])[] = [];
    const numberOf = (entity: Entity): number => {
      let number = this.#numbers.get(entity);
      if (number === undefined) this.#numbers.set(entity, (number = this.#next++));
      if (numbers.has(number)) return number;
      numbers.add(number);
      const holders = this.#holders.get(number) ?? 0;
      if (holders === 0) entities.push([number, entity]);
      this.#holders.set(number, holders + 1);
      return number;
    };
    const databases = catalog.databases.map((database) => {
      const numbered = lists.flatMap((list) => {
        const all: readonly Entity[] | undefined = database[list];
        return all === undefined ? [] : [[list, all.map(numberOf)] as const];
      });
      return { name: database.name, ...Object.fromEntries(numbered) };
    });
    this.#told.set(catalog.version, numbers);
    return { ...catalog, databases, entities, forget: this.#forget() };
  }

  #forget(): CatalogDifference['forget'] {
    const versions = [...this.#told.keys()].slice(0, Math.max(0, this.#told.size - this.#catalogsMax));
    const entities: number[] = [];
    for (const version of versions) {
      for (const number of this.#told.get(version) ?? []) {
        const holders = (this.#holders.get(number) ?? 0) - 1;
        if (holders > 0) this.#holders.set(number, holders);
        else if (this.#holders.delete(number)) entities.push(number);
      }
      this.#told.delete(version);
    }
    return { versions, entities };
  }
}

/** The other end: catalogs that share what is the same in them. */
export class KnownCatalogs {
  readonly #entities = new Map<number, Entity>();
  readonly #catalogs = new Map<string, KqlCatalog>();

  get(version: string): KqlCatalog | undefined {
    return this.#catalogs.get(version);
  }

  add({ databases, entities, forget, ...catalog }: CatalogDifference): void {
    for (const [number, entity] of entities) this.#entities.set(number, entity);
    const entityOf = (number: number): Entity => {
      const entity = this.#entities.get(number);
      invariant(entity, 'a catalog names what has been told');
      return entity;
    };
    this.#catalogs.set(catalog.version, {
      ...catalog,
      databases: databases.map((database) => {
        const read = lists.flatMap((list) => {
          const numbers = database[list];
          return numbers === undefined ? [] : [[list, numbers.map(entityOf)] as const];
        });
        return { name: database.name, ...Object.fromEntries(read) } as CatalogDatabase;
      }),
    });
    for (const version of forget.versions) this.#catalogs.delete(version);
    for (const number of forget.entities) this.#entities.delete(number);
  }
}

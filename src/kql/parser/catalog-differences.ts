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
    const held = new Set([...this.#told.values()].flatMap((numbers) => [...numbers]));
    const numbers = new Set<number>();
    const entities: (readonly [number, Entity])[] = [];
    const numberOf = (entity: Entity): number => {
      const before = this.#numbers.get(entity);
      const number = before ?? this.#next++;
      this.#numbers.set(entity, number);
      if (!held.has(number) && !numbers.has(number)) entities.push([number, entity]);
      numbers.add(number);
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
    return { ...catalog, databases, entities, forget: this.#forget(held) };
  }

  #forget(held: ReadonlySet<number>): CatalogDifference['forget'] {
    const versions = [...this.#told.keys()].slice(0, Math.max(0, this.#told.size - this.#catalogsMax));
    if (versions.length === 0) return { versions, entities: [] };
    for (const version of versions) this.#told.delete(version);
    const left = new Set([...this.#told.values()].flatMap((numbers) => [...numbers]));
    return { versions, entities: [...held].filter((number) => !left.has(number)) };
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

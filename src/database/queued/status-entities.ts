import { ofKind } from '../catalog/image.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { EntityRecord } from '../catalog/queued-records.ts';
import type { QueuedParts } from './queued-parts.ts';
import { keptMs } from './queued-parts.ts';
import { namedId, storageKeysOf } from './storage-keys.ts';
import { StorageRefusal } from './storage-refusal.ts';

export interface EntityAddress {
  readonly account: number;
  readonly partitionKey: string;
  readonly rowKey: string;
}

const entitiesMax = 10_000;

/** The table where clients are told how far the ingestion of a blob is. */
export class StatusEntities {
  readonly #parts: QueuedParts;

  constructor(parts: QueuedParts) {
    this.#parts = parts;
  }

  find(at: EntityAddress): EntityRecord | undefined {
    const { image } = this.#parts.catalog;
    const id = this.#id(at);
    const found = id === undefined ? undefined : image.get(id);
    return found?.kind === 'entity' ? found : undefined;
  }

  /** Oldest first. */
  list(account: number): EntityRecord[] {
    return this.#all()
      .filter((one) => one.account === account)
      .sort((left, right) => left.createdOn - right.createdOn);
  }

  /** Durable when it resolves. @throws StorageRefusal `EntityAlreadyExists` | `ServerBusy` */
  async insert(at: EntityAddress, properties: EntityRecord['properties']): Promise<EntityRecord> {
    const { catalog, now } = this.#parts;
    const id = this.#id(at);
    if (id === undefined) throw new StorageRefusal('ResourceNotFound');
    if (this.#all().length >= entitiesMax) throw new StorageRefusal('ServerBusy');
    return catalog.change((draft) => {
      if (draft.get(id) !== undefined) throw new StorageRefusal('EntityAlreadyExists');
      const entity: EntityRecord = {
        ...{ kind: 'entity', entityId: id.slice(2) as EntityRecord['entityId'], ...at, properties },
        ...{ createdOn: now(), updatedOn: now() },
      };
      draft.put(entity);
      return entity;
    });
  }

  /** Changes properties of one that is there, in a commit that is being planned. */
  merge(draft: CatalogDraft, at: EntityAddress, properties: EntityRecord['properties']): void {
    const id = this.#id(at);
    const found = id === undefined ? undefined : draft.get(id);
    if (found?.kind !== 'entity') return;
    draft.put({ ...found, properties: { ...found.properties, ...properties }, updatedOn: this.#parts.now() });
  }

  async expire(): Promise<void> {
    const { catalog, now } = this.#parts;
    const old = this.#all().filter(({ updatedOn }) => updatedOn + keptMs <= now());
    for (let at = 0; at < old.length; at += 1_000)
      await catalog.change((draft) => {
        for (const { entityId } of old.slice(at, at + 1_000)) draft.delete(`n/${entityId}`);
      });
  }

  #all(): EntityRecord[] {
    const { image } = this.#parts.catalog;
    return [...image.group('entity')].flatMap((id) => ofKind(image.get(id), 'entity'));
  }

  #id({ account, partitionKey, rowKey }: EntityAddress): string | undefined {
    const keys = storageKeysOf(this.#parts.catalog);
    return keys && `n/${namedId(keys, 'entity', String(account), partitionKey, rowKey)}`;
  }
}

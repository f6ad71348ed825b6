import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import type { AppendRows } from '../catalog/append-rows.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import type { DataSource } from './data-source.ts';
import type { TableSchema } from '../catalog/schema.ts';

/** Who asked, for what is told of failures later. */
export interface IngestedBy {
  readonly principal: string;
  readonly user: string;
  readonly rootActivityId: Guid;
  /** As `.show ingestion failures` names it. */
  readonly operationKind: string;
}

/** Of every request that adds rows. */
interface Asked {
  readonly by?: IngestedBy;
  /** Ends what update policies do for it. */
  readonly signal?: AbortSignal | undefined;
}

export interface IngestRequest extends Asked {
  readonly database: string;
  readonly table: string;
  /** As the client wrote it, any case: `csv`, `MultiJSON` … @throws DataError `FormatNotSupported` by name */
  readonly format: string;
  /** Not compressed; at most `bytesMax`. */
  readonly body: Uint8Array;
  /** Name of a mapping of the table or database. */
  readonly mappingName?: string;
  /** JSON text of a mapping (`.ingest … with (ingestionMapping=…)`). */
  readonly mapping?: string;
  readonly ignoreFirstRecord?: boolean;
  /** Records of a delimited file must all have as many fields as its first one. */
  readonly constantFields?: boolean;
  /** The same id with the same content is ingested once; what is `recorded`, by its id alone. */
  readonly requestId?: string;
  readonly tags?: readonly string[];
  /** Extents with a creation time of their own (`creationTime`). */
  readonly creationTime?: Instant;
  /** `streaming` needs the streamingingestion policy of table or database. `recorded`: the server itself tells of something. */
  readonly kind: 'streaming' | 'inline' | 'recorded';
}

/** Data that is read from where it lies. */
export interface SourcesRequest extends Omit<IngestRequest, 'body' | 'kind' | 'format'> {
  /** All of them or none: in one extent, or, where they are large, in several. */
  readonly sources: readonly DataSource[];
  /** As of `IngestRequest`; absent: as the name of the first source says, else `csv`. */
  readonly format?: string;
  /** `streaming` needs the streamingingestion policy of table or database. */
  readonly kind?: 'streaming';
  /** Which files of zip archives count; absent: all. */
  readonly zipPattern?: string;
  /** What ends in `.gz` is not compressed. */
  readonly gzIsPlain?: boolean;
  /** A source of text without records fails, though others have some. */
  readonly recordsInEach?: boolean;
  /** What one extent of several is made of at most, about; absent: 4 Mi values, and 32 MiB as they are read. */
  readonly partMax?: { readonly values: number; readonly bytes: number; readonly rows?: number };
  /** What else happens in the commit, before the rows are added. @returns false: they are not */
  readonly also?: (draft: CatalogDraft) => boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface SourcesResult extends IngestResult {
  /** Those that this request made. */
  readonly extentIds: readonly Guid[];
  /** Of the sources, as they are stored. */
  readonly bytes: number;
}

export interface IngestResult {
  readonly rowCount: number;
  /** Undefined while the rows are in the log of small writes, or when there were none. Of several extents, the first. */
  readonly extentId: Guid | undefined;
  /** This request was ingested before; nothing was added. */
  readonly repeated: boolean;
  /** What came of the update policies that wait for rows of the table. Absent: there are none. */
  readonly updates?: {
    readonly status: 'Succeeded' | 'Failed';
    /** Of the first that failed and is not transactional. */
    readonly failure?: { readonly code: string; readonly reason: string };
  };
}

export interface AppendRequest extends Asked {
  readonly database: string;
  readonly table: string;
  /** Columns fill the table's columns in order; types must be the table's. */
  readonly rows: AppendRows;
  /** Drops all other rows of the table in the same commit (`.set-or-replace`). */
  readonly replace: boolean;
  /** What happens to the table in the same commit. */
  readonly change?: TableChange;
  readonly tags?: readonly string[];
  readonly creationTime?: Instant;
}

/** `create` makes a missing table · `extend` adds columns at the end · `recreate` gives the table these columns and no others: of the
 * old ones those stay that have name and type in common. */
export interface TableChange {
  readonly how: 'create' | 'extend' | 'recreate';
  readonly schema: Omit<TableSchema, 'name'>;
}

export interface AppendResult {
  /** Undefined: no rows. */
  readonly extent: ExtentView | undefined;
}

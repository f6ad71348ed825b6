import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { DeltaSchema } from './delta-schema.ts';
import { parseDeltaSchema } from './delta-schema.ts';
import { notBuiltOfDelta, notDelta, tooMuchDelta } from './delta-wrong.ts';

/** A file of the table as of the version that was read. */
export interface DeltaFile {
  /** Below the table's folder, as people read it. */
  readonly path: string;
  /** As the log says. */
  readonly bytes: number;
  /** As texts, by the names of the partition columns. */
  readonly values: Readonly<Record<string, string | null>>;
}

interface LiveFile {
  readonly path: string;
  readonly bytes: number;
  readonly values: DeltaFile['values'];
  readonly hasDeletionVector: boolean;
  readonly units: number;
}

const filesMax = 500_000;
/** UTF-16 units of paths, and of names and values of partitions, together. */
const unitsMax = 256 * 1024 * 1024;
const readerVersionMax = 3;
/** Features of readers under which files are read as they would be without, as long as `requireReadable` finds no use of them.
 * @see Delta transaction log protocol, "Valid feature names in table features" */
const harmlessFeatures = ['timestampNtz', 'vacuumProtocolCheck', 'columnMapping', 'deletionVectors'];

/** What the actions of a log, applied one after the other, leave. @see Delta transaction log protocol, "Action reconciliation" */
export class DeltaState {
  readonly #files = new Map<string, LiveFile>();
  #units = 0;
  #protocol: JsonObject | undefined;
  #metadata: JsonObject | undefined;

  /** @param action one line of a commit, or what a row of a checkpoint says
   * @throws DataError `MalformedData`, KqlError `limits` */
  apply(action: JsonObject): void {
    const { add, remove, metaData, protocol } = action;
    if (isJsonObject(protocol)) this.#protocol = protocol;
    if (isJsonObject(metaData)) this.#metadata = metaData;
    if (isJsonObject(remove)) this.#drop(keyOf(remove));
    if (isJsonObject(add)) this.#add(add);
  }

  #add(add: JsonObject): void {
    const key = keyOf(add);
    this.#drop(key);
    const { path, size, deletionVector } = add;
    if (typeof path !== 'string') throw notDelta('a file has no path');
    const values = partitionValues(add['partitionValues']);
    const units = Object.entries(values).reduce(
      (sum, [name, text]) => sum + name.length + (text?.length ?? 0),
      key.length,
    );
    this.#units += units;
    const bytes = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : 0;
    this.#files.set(key, { path, bytes, values, units, hasDeletionVector: isJsonObject(deletionVector) });
    if (this.#files.size > filesMax || this.#units > unitsMax)
      throw tooMuchDelta(`more than ${filesMax} files, or names of more than ${unitsMax / 1024 ** 2} Mi characters`);
  }

  #drop(key: string): void {
    this.#units -= this.#files.get(key)?.units ?? 0;
    this.#files.delete(key);
  }

  /** @throws DataError `MalformedData`; KqlError `notSupported` for what readers of the table must know and this one does not */
  finish(): { readonly schema: DeltaSchema; readonly files: readonly DeltaFile[] } {
    requireReadable(this.#protocol, this.#metadata);
    const { schemaString, partitionColumns = [] } = this.#metadata ?? {};
    const isNamed = Array.isArray(partitionColumns) && partitionColumns.every((name) => typeof name === 'string');
    if (typeof schemaString !== 'string' || !isNamed) throw notDelta('its metadata has no schema');
    const schema = parseDeltaSchema(schemaString, partitionColumns);
    const files = [...this.#files.values()].map(({ path, bytes, values, hasDeletionVector }) => {
      if (hasDeletionVector) throw notBuiltOfDelta("The reader feature 'deletionVectors'");
      return { path: filePath(path), bytes, values };
    });
    return { schema, files };
  }
}

function requireReadable(protocol: JsonObject | undefined, metadata: JsonObject | undefined): void {
  if (protocol === undefined || metadata === undefined) throw notDelta('its log has no protocol or no metadata');
  const { minReaderVersion, readerFeatures } = protocol;
  if (typeof minReaderVersion !== 'number') throw notDelta('its protocol has no version');
  if (minReaderVersion > readerVersionMax) throw notBuiltOfDelta(`The reader version ${minReaderVersion}`);
  const features = Array.isArray(readerFeatures) ? readerFeatures.map(String) : [];
  if (minReaderVersion === readerVersionMax && !Array.isArray(readerFeatures))
    throw notDelta('its protocol has no reader features');
  const unknown = features.find((name) => !harmlessFeatures.includes(name));
  if (unknown !== undefined) throw notBuiltOfDelta(`The reader feature '${unknown.slice(0, 100)}'`);
  const { configuration, format } = metadata;
  const mapping = isJsonObject(configuration) ? configuration['delta.columnMapping.mode'] : undefined;
  if (mapping !== undefined && mapping !== 'none') throw notBuiltOfDelta("The reader feature 'columnMapping'");
  const provider = isJsonObject(format) ? textMember(format, 'provider') : '';
  if (provider !== '' && provider !== 'parquet') throw notBuiltOfDelta(`The format '${provider.slice(0, 50)}'`);
}

/** Files with another deletion vector are others. */
function keyOf(action: JsonObject): string {
  const path = textMember(action, 'path');
  const { deletionVector } = action;
  if (!isJsonObject(deletionVector)) return path;
  const { storageType, pathOrInlineDv, offset } = deletionVector;
  return JSON.stringify([path, storageType, pathOrInlineDv, offset]);
}

function partitionValues(values: unknown): DeltaFile['values'] {
  // Nothing but what the log says: partitions may be called as what every object has.
  const own = Object.create(null) as Record<string, string | null>;
  for (const [name, value] of Object.entries(isJsonObject(values) ? values : {})) {
    if (typeof value !== 'string' && value !== null) throw notDelta('a value of a partition is no text');
    own[name] = value;
  }
  return own;
}

/** Paths in the log are references of URIs. @throws KqlError for one that leads elsewhere, as those of shallow clones do */
function filePath(reference: string): string {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(reference)) throw notBuiltOfDelta('A file outside of the folder');
  const path = decoded(reference);
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw notDelta('the path of a file is none below its folder');
  return path;
}

function decoded(reference: string): string {
  try {
    const path = decodeURIComponent(reference);
    // Half of a pair of surrogates is no character, and stands in no address.
    encodeURIComponent(path);
    return path;
  } catch {
    throw notDelta('the path of a file is no URI');
  }
}

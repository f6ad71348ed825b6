import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { ObjectName, ObjectVersion } from '../../base/names.ts';
import type { Table, Versioned } from '../../state/state.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { Collection, VaultServices } from './operation.ts';

/** A key, secret or certificate: its name and which version is the current one. Times of all records are milliseconds on the
 * Kustody clock. */
export interface ObjectRecord {
  readonly format: 1;
  /** As first written; names are compared without case. */
  readonly name: ObjectName;
  readonly currentVersion: ObjectVersion;
  /** Set while the object is soft-deleted. */
  readonly deleted?: { readonly at: number; readonly purgeAt: number };
}

/** One version, without what must stay secret. */
export interface VersionRecord {
  readonly format: 1;
  readonly version: ObjectVersion;
  readonly enabled: boolean;
  /** Unix seconds. */
  readonly notBefore?: number;
  readonly expires?: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** It backs a certificate, which decides about its life. */
  readonly managed?: true;
}

export interface Found<Version extends VersionRecord = VersionRecord, Whole extends ObjectRecord = ObjectRecord> {
  readonly object: Versioned<Whole>;
  readonly version: Versioned<Version>;
}

/** Where one kind of object lies. */
export interface ObjectTables<
  Version extends VersionRecord = VersionRecord,
  Whole extends ObjectRecord = ObjectRecord,
> {
  readonly collection: Collection;
  readonly objects: Table<Whole>;
  readonly versions: Table<Version>;
  /** What is secret of a version: a record of its own, so that only what needs it ever opens it. */
  readonly material?: Table<object>;
  /** Objects of the same name that live and die with it. */
  readonly linked?: readonly ObjectTables[];
  /** What a restored object is in the vault that it comes to. @throws VaultError when it cannot be there */
  inVault?(object: Whole, versions: readonly Version[], vault: VaultSettings): Whole;
}

/** What is particular about keys, secrets and certificates; all that they share reads these rows. */
export interface ObjectKind<
  Version extends VersionRecord = VersionRecord,
  Whole extends ObjectRecord = ObjectRecord,
> extends ObjectTables<Version, Whole> {
  readonly errors: ObjectErrors;
  /** What an answer shows of a version in full, but for the value of a secret. */
  readonly bundle: (vault: VaultSettings, found: Found<Version, Whole>, apiVersion: string) => JsonObject;
  /** What a list shows of it. @param id with its version in lists of versions, without in lists of objects */
  readonly item: (vault: VaultSettings, found: Found<Version, Whole>, id: string, apiVersion: string) => JsonObject;
  /** Called when an object has come or come back, for what it does by itself later. */
  cameAlive?(services: VaultServices, found: Found<Version, Whole>): void;
}

/** The names of the errors that each kind has in words of its own. */
export interface ObjectErrors {
  readonly notFound: `${ErrorNoun}NotFound`;
  readonly deletedNotFound: `deleted${Capitalize<ErrorNoun>}NotFound`;
  readonly isDeleted: `${ErrorNoun}IsDeleted`;
  readonly isLive: `${ErrorNoun}IsLive`;
  /** Nothing is above certificates. */
  readonly managed?: 'keyIsManaged' | 'secretIsManaged';
}

type ErrorNoun = 'key' | 'secret' | 'certificate';

/** @returns the rows of the table of errors */
export const errorsOf = <Noun extends ErrorNoun>(noun: Noun, capitalized: Capitalize<Noun>): ObjectErrors => ({
  notFound: `${noun}NotFound`,
  deletedNotFound: `deleted${capitalized}NotFound` as ObjectErrors['deletedNotFound'],
  isDeleted: `${noun}IsDeleted`,
  isLive: `${noun}IsLive`,
});

/** Versions and their material share their ids. */
export const objectRecordId = (vaultId: Guid, name: ObjectName): string => `${vaultId}/${name.toLowerCase()}`;

export const versionRecordId = (vaultId: Guid, name: ObjectName, version: ObjectVersion): string =>
  `${objectRecordId(vaultId, name)}/${version}`;

export function formatOne(value: Json, what: string): JsonObject {
  invariant(isJsonObject(value) && value['format'] === 1, `a ${what} record is of format 1`);
  return value;
}

/** @param name of the table */
export const objectTable = <Whole extends ObjectRecord>(name: string, what: string): Table<Whole> => ({
  name,
  parse: (value) => {
    const record = formatOne(value, what);
    invariant(
      typeof record['name'] === 'string' && typeof record['currentVersion'] === 'string',
      `a ${what} record has a name and a current version`,
    );
    return value as unknown as Whole;
  },
});

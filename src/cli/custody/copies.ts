import type { ExportRecord } from '../../cluster/supervisor/export-records.ts';
import type { CopyKind } from './copy-rows.ts';
import { copyRows, instanceCopyText } from './copy-rows.ts';
import type { KeyHistory } from './fold-history.ts';

export interface Copy {
  readonly kind: CopyKind;
  /** The key, the container, the place of a copy of the whole instance, or the follower. */
  readonly of: string;
  readonly what: string;
  /** ISO on the Kustody clock. */
  readonly on?: string;
  /** Object id. */
  readonly by?: string;
}

/** A cluster whose data is shredded, as far as copies go. */
export interface CopiedCluster {
  readonly resourceId: string;
  readonly name: string;
  readonly exports?: readonly ExportRecord[];
}

/** @param keys unversioned, lower case @param followers names of clusters that follow and keep their keys */
export function copiesOf(
  history: KeyHistory,
  keys: readonly string[],
  clusters: readonly CopiedCluster[],
  followers: readonly string[],
): readonly Copy[] {
  const names = new Set(keys.map((key) => key.split('/').at(-1) ?? ''));
  const ofKeys = history.copies.flatMap(({ kind, vault, name, operation, caller, time }): readonly Copy[] => {
    const row = copyRows[kind as keyof typeof copyRows];
    // A backup is restored under its name, in whichever vault.
    const isMeant = kind === 'restored' ? names.has(name) : keys.includes(`${vault}/keys/${name}`);
    if (!isMeant || (row.ofCertificate === true && !history.certificates.has(`${vault} ${name}`))) return [];
    return [{ kind, of: `${vault}/keys/${name}`, what: `${operation}: ${row.what}`, on: time, by: caller }];
  });
  return [
    ...unrepeated(ofKeys),
    ...clusters.flatMap((cluster) => exportsOf(history, cluster)),
    ...history.instanceCopies.map(({ operation, place, by, time }): Copy => ({
      ...{ kind: 'instance', of: place, what: instanceCopyText(operation), on: time, by },
    })),
    ...followers.map((name): Copy => ({
      kind: 'follower',
      of: name,
      what: 'follows a database and keeps its own key',
    })),
  ];
}

/** What is told beside the clusters themselves, which tell of their exports. @param keys unversioned, lower case */
export function copiesBeside(
  history: KeyHistory,
  keys: readonly string[],
  clusters: readonly CopiedCluster[],
): readonly Copy[] {
  const told = new Set(clusters.flatMap(({ exports = [] }) => exports.map(({ container }) => container)));
  return copiesOf(history, keys, clusters, []).filter(({ kind, of }) => kind !== 'export' || !told.has(of));
}

/** The last of those that say the same. */
const unrepeated = (copies: readonly Copy[]): readonly Copy[] => [
  ...new Map(copies.map((copy) => [JSON.stringify([copy.of, copy.what, copy.by]), copy])).values(),
];

function exportsOf(history: KeyHistory, { resourceId, exports = [] }: CopiedCluster): readonly Copy[] {
  const recorded = exports.map(({ container, rows: count, blobs, lastOn }): Copy => ({
    ...{ kind: 'export', of: container, on: lastOn },
    what: `${count} rows in ${blobs} blobs were exported there, under no key of the cluster`,
  }));
  const known = new Set(recorded.map(({ of }) => of));
  const told = history.exports
    .filter(({ cluster, container }) => cluster === resourceId.toLowerCase() && !known.has(container))
    .map(({ container, time }): Copy => ({
      ...{ kind: 'export', of: container, on: time },
      what: 'an export to it was begun; what is there is under no key of the cluster',
    }));
  return [...recorded, ...told];
}

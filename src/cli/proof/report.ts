import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import type { ScanResult } from '../../server/canary-scan.ts';
import { extentsOf } from '../clusters.ts';
import type { Copy } from '../custody/copies.ts';
import type { RecordedStep } from '../custody/fold-history.ts';
import type { KeyUse } from './fold-key-uses.ts';
import { limits } from './limits.ts';
import type { PositiveControl } from './positive-control.ts';

/** Everything that `kustody proof` found, as it is printed with `--json`. */
export interface ProofReport {
  /** Every canary is in rows, none was found on the disk, and every file could be read. */
  readonly ok: boolean;
  readonly kustody: string;
  /** ISO, on the machine's clock. */
  readonly madeOn: string;
  readonly dataDirectory: string;
  /** Where the root key lies. */
  readonly rootKey: 'besideTheData' | 'elsewhere';
  readonly clusters: readonly ClusterDescription[];
  /** What was done to the keys that they are or were under, and what came of it for them; the oldest first. */
  readonly custody: readonly RecordedStep[];
  /** What was ever asked of these keys. */
  readonly keyUses: readonly KeyUse[];
  /** What could still open or hold the data when these keys are taken away, besides the exports of each cluster. */
  readonly copies: readonly Copy[];
  readonly canaries: readonly string[];
  /** One for each canary: that it is in the data at all. */
  readonly controls: readonly PositiveControl[];
  readonly scan: ScanResult;
  readonly limits: readonly string[];
}

export function makeReport(found: Omit<ProofReport, 'ok' | 'limits'>): ProofReport {
  const { matches, unreadable } = found.scan;
  const controlled = found.controls.every(({ rows }) => rows > 0);
  return { ok: controlled && matches.length === 0 && unreadable.length === 0, ...found, limits };
}

export interface Totals {
  readonly clusters: number;
  readonly extents: number;
  readonly deks: number;
  readonly sealedBytes: number;
  /** Of clusters that could not be listed nothing is counted. */
  readonly notListed: number;
}

export function totalsOf({ clusters }: ProofReport): Totals {
  const extents = clusters.flatMap(extentsOf);
  return {
    clusters: clusters.length,
    extents: extents.length,
    deks: new Set(extents.map(({ dekId }) => dekId)).size,
    sealedBytes: extents.reduce((sum, { sealedBytes }) => sum + sealedBytes, 0),
    notListed: clusters.filter(({ notListed }) => notListed !== undefined).length,
  };
}

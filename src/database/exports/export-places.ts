import type { TargetOf } from './export-target.ts';

/** Where rows may be written to for somebody, and who is told of it. */
export interface ExportPlaces {
  readonly targetOf: TargetOf;
  /** Durable when it resolves: that rows will be in a container, before any is; what a blob has, when it is there; how it ended.
   * @throws when the cluster may not use its key: nothing is written then */
  tell(note: ExportNote): Promise<void>;
  /** Aborted when the cluster stops to serve. */
  readonly ended: AbortSignal;
}

export interface ExportNote {
  readonly step: 'begun' | 'written' | 'completed' | 'failed';
  readonly database: string;
  /** Without what is secret. */
  readonly container: string;
  /** Of one blob when it is written, of all of them here when the export ended. */
  readonly rows: number;
  readonly bytes: number;
}

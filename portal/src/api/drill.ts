import type { DrillCell, WayName } from '../../../src/server/drill-matrix.ts';
import { sendJson } from './request.ts';

/** A cell of the matrix, without its requests. */
export interface CellOutcome {
  readonly kind?: 'served' | 'refused' | 'cutOff';
  readonly error?: string;
  readonly status?: number;
  readonly message?: string;
  readonly seconds?: number;
}

/** `GET /drill`: the last run, as far as it is known. */
export interface DrillRun {
  readonly state: 'none' | 'running' | 'cancelling' | 'over' | 'cancelled' | 'failed';
  readonly run: number;
  readonly ok?: boolean;
  readonly message?: string;
  readonly rows: readonly DrillRow[];
}

export interface DrillRow {
  readonly way: WayName;
  readonly title: string;
  readonly state: 'waiting' | 'underWay' | 'ended';
  readonly cells: Readonly<Record<string, CellOutcome | undefined>>;
  readonly problems: readonly string[];
}

export const readDrill = (signal: AbortSignal): Promise<DrillRun> => sendJson('/drill', { signal });

export const startDrill = (only: readonly WayName[]): Promise<DrillRun> =>
  sendJson('/drill', { method: 'POST', json: { only } });

export const cancelDrill = (): Promise<DrillRun> => sendJson('/drill', { method: 'DELETE' });

export const readCell = (way: string, cell: string, signal: AbortSignal): Promise<DrillCell> =>
  sendJson(`/drill/cells/${encodeURIComponent(way)}/${encodeURIComponent(cell)}`, { signal });

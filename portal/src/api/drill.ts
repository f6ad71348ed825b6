import type { DrillCell, DrillRun, WayName } from '../../../src/server/drill-matrix.ts';
import { sendJson } from './request.ts';

export const readDrill = (signal: AbortSignal): Promise<DrillRun> => sendJson('/drill', { signal });

export const startDrill = (only: readonly WayName[]): Promise<DrillRun> =>
  sendJson('/drill', { method: 'POST', json: { only } });

export const cancelDrill = (): Promise<DrillRun> => sendJson('/drill', { method: 'DELETE' });

export const readCell = (way: string, cell: string, signal: AbortSignal): Promise<DrillCell> =>
  sendJson(`/drill/cells/${encodeURIComponent(way)}/${encodeURIComponent(cell)}`, { signal });

import type { FastifyInstance } from 'fastify';
import { ControlError } from './control-plane.ts';
import type { Snapshots } from './snapshots.ts';
import { SnapshotError } from './snapshots.ts';

/** `POST /snapshots` gives an id; `POST /snapshots/{id}/restore` and `DELETE /snapshots/{id}` take it. */
export const snapshotRoutes =
  (snapshots: Snapshots) =>
  (app: FastifyInstance): void => {
    app.post('/snapshots', async () => ({ id: await explained(() => snapshots.take()) }));
    app.post<{ Params: { id: string } }>('/snapshots/:id/restore', async ({ params: { id } }) => {
      await explained(() => snapshots.restore(id));
      return { id };
    });
    app.delete<{ Params: { id: string } }>('/snapshots/:id', async ({ params: { id } }) => {
      await explained(() => snapshots.release(id));
      return { id };
    });
  };

async function explained<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof SnapshotError ? new ControlError(409, 'SnapshotRefused', error.message) : error;
  }
}

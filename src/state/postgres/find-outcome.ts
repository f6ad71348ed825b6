import { nameOf } from './postgres-address.ts';
import { connect } from './postgres-connection.ts';
import { StateOutcomeUnknownError } from './postgres-errors.ts';
import type { PostgresStoreOptions } from './postgres-state-store.ts';

/** Between attempts to reach the primary, in milliseconds; some ten seconds in all. */
const pauses = [50, 100, 250, 500, 1_000, 2_000, 3_000, 3_000];

/** What came of the last commit of a writer, on what is the primary now. Closes the writer first, which waits for a commit under way and
 * lets none follow: what still lies on the way to the server, or in it, is never made.
 * @returns whether it was made
 * @throws StateOutcomeUnknownError */
export async function findOutcome(
  { address, password, pause }: Pick<PostgresStoreOptions, 'address' | 'password' | 'pause'>,
  handle: string,
  commitId: string,
): Promise<boolean> {
  let last: unknown;
  for (const milliseconds of pauses) {
    try {
      const connection = await connect(address, password);
      try {
        const rows = await connection.query('UPDATE writer SET closed = true WHERE handle = $1 RETURNING commit_id', [
          handle,
        ]);
        if (rows[0] !== undefined) return rows[0][0] === commitId;
        break; // The writer itself is gone: another database, or one that was put back.
      } finally {
        connection.cut();
      }
    } catch (error) {
      last = error;
    }
    await pause(milliseconds);
  }
  throw new StateOutcomeUnknownError(nameOf(address), { cause: last });
}

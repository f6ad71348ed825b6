import { DataError } from '../../src/database/catalog/data-error.ts';

/** @returns code and text of what was refused @throws when it was not */
export async function refusal(work: Promise<unknown>): Promise<readonly [string, string]> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DataError)) throw new Error(`not refused: ${String(error)}`);
  return [error.code, error.message];
}

import type { StartOptions } from './public.ts';
import { connectShared, startShared } from './shared.ts';
import type { SharedKustody } from './shared-public.ts';
import { keepForTeardown } from './jest-run.ts';

/** For a `globalSetup` file of your own: `module.exports = kustodySetup({ cluster: { database: 'logs' } })`. */
export const kustodySetup =
  (options: StartOptions = { cluster: true }) =>
  async (): Promise<void> => {
    keepForTeardown(await startShared(options, process.env));
  };

/** The instance of the test run. */
export const kustody = (): SharedKustody => connectShared(process.env);

export default kustodySetup();

import type { StartOptions } from '../public.ts';
import type { SharedKustody } from '../shared-public.ts';

export type { SharedKustody } from '../shared-public.ts';

/** The instance of the test run, as every test file has it. What `globalSetup` was given says what is in it. */
export declare function kustody<
  const Options extends StartOptions = { readonly cluster: true },
>(): SharedKustody<Options>;

/** For a `globalSetup` file of your own: `module.exports = kustodySetup({ cluster: { database: 'logs' } })`. */
export declare function kustodySetup(options?: StartOptions): () => Promise<void>;

declare const setup: () => Promise<void>;
export default setup;

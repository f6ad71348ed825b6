import type { StartOptions, Started } from '../public.ts';

export type * from '../public.ts';

/** Starts a Kustody of its own in this process, on free ports and in a temporary directory, with a clock that can be moved. */
export declare function startKustody<const Options extends StartOptions = { readonly cluster?: false }>(
  options?: Options,
): Promise<Started<Options>>;

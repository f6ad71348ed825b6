import type { Kustody, StartOptions, Started } from './public.ts';

/** The instance that a test run has in common, started once by `globalSetup`: what a test changes the others see. */
export type SharedKustody<Options extends StartOptions = StartOptions> = Omit<
  Started<Options>,
  'clock' | 'close' | typeof Symbol.asyncDispose
> & {
  readonly clock: {
    now(): Promise<Date>;
    /** Moves the clock forward; what falls due on the way has happened when it resolves. */
    advance(milliseconds: number): Promise<void>;
    freeze(): Promise<void>;
    resume(): Promise<void>;
  };
} & Pick<Kustody, 'query'>;

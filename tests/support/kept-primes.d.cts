/** To be called once before a run. */
export declare function keepPrimes(): Promise<void>;
export declare function takeKeptPair(bits: number): readonly [bigint, bigint] | undefined;

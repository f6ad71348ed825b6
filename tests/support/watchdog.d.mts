export declare function watchdog(limitMs: number): (what: string) => void;

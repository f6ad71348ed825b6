import type { KeyObject } from 'node:crypto';

export declare function isQuick(bits: number): boolean;
export declare function quickPrivateKey(bits: number): Promise<KeyObject>;

import type { KeyObject } from 'node:crypto';

export declare function quickPrivateKey(): Promise<KeyObject>;

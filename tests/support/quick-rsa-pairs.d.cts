import type { KeyObject } from 'node:crypto';

export declare function isQuick(bits: number): boolean;
export declare function quickPrivateKey(bits: number): Promise<KeyObject>;
export declare function quickRsaPair(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

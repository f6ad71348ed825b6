import type { FunctionCases } from './case-rows.ts';

export const hashCases: FunctionCases = {
  hash_md5: ['hash_md5(s)'],
  hash_sha1: ['hash_sha1(i)'],
  hash_sha256: ['hash_sha256(s)'],
  hash: [
    'hash(s)',
    'hash(i)',
    'hash(j)',
    'hash(x)',
    'hash(m)',
    'hash(t)',
    'hash(d)',
    'hash(b)',
    'hash(g)',
    'hash(i,10)',
    'hash(s,j)',
  ],
  hash_xxhash64: ['hash_xxhash64(s)', 'hash_xxhash64(s,7)'],
};

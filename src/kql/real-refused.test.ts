import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Refused {
  readonly id: string;
  readonly kind: string;
  readonly host?: string;
  readonly source?: string;
  readonly why?: string;
}
const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../vectors/kql/${name}`, import.meta.url), 'utf8'));
const { sources, refused } = read('real-refused.json') as {
  readonly sources: Readonly<Record<string, { readonly why: string; readonly address: string }>>;
  readonly refused: readonly Refused[];
};
const queries = 2_666;

it('every real query that is not answered has one reason that can be looked up', () => {
  expect(new Set(refused.map(({ id }) => id)).size).toBe(refused.length);
  for (const { id, kind, host, source, why } of refused) {
    expect(id).toMatch(/^[0-9a-f]{12}$/);
    const said = { network: host, 'refused-by-service': source && sources[source]?.address, ours: why }[kind];
    expect(said, `${id} ${kind}`).toBeTruthy();
  }
});

it('each source is used, and is an address', () => {
  for (const [name, { address }] of Object.entries(sources)) {
    expect(address).toMatch(/^https:\/\/(learn\.microsoft\.com|github\.com)\//);
    expect(refused.some(({ source }) => source === name)).toBe(true);
  }
});

/** What reads from a host is answered over a stand-in for it (`scripts/real-sources.mjs`). */
it('of those that the service would answer less than 1 % are not answered', () => {
  const ours = refused.filter(({ kind }) => kind === 'ours');
  const refusedToo = refused.filter(({ kind }) => kind === 'refused-by-service');
  expect(ours.length).toBeLessThan((queries - refusedToo.length) / 100);
});

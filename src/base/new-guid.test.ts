import { describe, expect, it } from 'vitest';
import { guidPattern } from './guid.ts';
import { createGuidSource } from './new-guid.ts';
import { systemRandomBytes } from './random.ts';

describe('ids that are drawn many at a time', () => {
  it('are GUIDs of version 4, each another', () => {
    const next = createGuidSource(systemRandomBytes, 8);
    const ids = Array.from({ length: 100 }, next);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    for (const id of ids) expect(id).toMatch(guidPattern);
    expect(new Set(ids).size).toBe(100);
  });

  it('cost one draw for so many', () => {
    const draws: number[] = [];
    const next = createGuidSource((length) => {
      draws.push(length);
      return systemRandomBytes(length);
    }, 8);
    for (let count = 0; count < 17; count += 1) next();
    expect(draws).toEqual([128, 128, 128]);
  });
});

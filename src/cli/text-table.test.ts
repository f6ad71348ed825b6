import { describe, expect, it } from 'vitest';
import { editDistance } from '../base/edit-distance.ts';
import { textTable } from './text-table.ts';

const widest = (text: string): number => Math.max(...text.split('\n').map(({ length }) => length));
const rows = [
  ['kustody', 'https://kustody-keys.vault.azure.net/keys/cluster-key/0123456789abcdef0123456789abcdef', 'a b c'],
  ['other', 'short', 'words that are folded at their blanks, and nowhere else'],
];
const head = ['cluster', 'key', 'why'];

describe('a table', () => {
  it('is as wide as it needs where nothing limits it', () => {
    const text = textTable(head, rows, undefined);
    expect(text).toContain(rows[0]?.[1]);
    expect(text.split('\n')).toHaveLength(7);
  });

  it.each([60, 80, 100, 130])('fits a terminal of %i characters and cuts nothing off', (width) => {
    const text = textTable(head, rows, width);
    expect(widest(text)).toBeLessThanOrEqual(width);
    const cells = text.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
    expect(cells.map(([, , key]) => key ?? '').join('')).toContain(rows[0]?.[1]);
    expect(text).toContain('kustody');
  });

  it('keeps narrow columns as they are when wide ones are folded', () => {
    expect(
      textTable(head, rows, 70)
        .split('\n')
        .some((line) => line.includes('│ kustody │')),
    ).toBe(true);
  });

  it('becomes a block of lines a row where there are too many columns', () => {
    const many = Array.from({ length: 12 }, (_, index) => `column${index}`);
    const text = textTable(many, [many.map(() => 'x'.repeat(30))], 80);
    expect(text.split('\n')[0]).toBe(`column0   ${'x'.repeat(30)}`);
    expect(text).not.toContain('│');
  });

  it('folds within the lines that a cell has', () => {
    const text = textTable(['a'], [['one\ntwo three']], 12);
    expect(text).toContain('│ one');
    expect(widest(text)).toBeLessThanOrEqual(12);
  });
});

it.each([
  ['', '', 0],
  ['key', 'KEY', 0],
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
  ['abc', 'ac', 1],
])('from %j to %j it is %i', (left, right, distance) => {
  expect(editDistance(left, right)).toBe(distance);
});

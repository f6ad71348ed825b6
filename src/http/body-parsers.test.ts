import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { collectBytes, parseJsonBody, readJsonBody } from './body-parsers.ts';

describe('collectBytes', () => {
  it('gives one buffer and overwrites the pieces it came in', async () => {
    const payload = new PassThrough();
    const pieces = [Buffer.from('plain'), Buffer.from('text')];
    const collected = collectBytes(payload, 9, () => true);
    for (const piece of pieces) payload.write(piece);
    payload.end();
    expect((await collected)?.toString()).toBe('plaintext');
    expect(Buffer.concat(pieces)).toEqual(Buffer.alloc(9));
  });

  it('overwrites them also when they are too many', async () => {
    const payload = new PassThrough();
    const piece = Buffer.from('plaintext');
    const collected = collectBytes(payload, 8, () => true);
    payload.write(piece);
    await expect(collected).rejects.toMatchObject({ kind: 'bodyTooLarge' });
    expect(piece).toEqual(Buffer.alloc(9));
  });

  it('stops where there is no room for more', async () => {
    const payload = new PassThrough();
    const piece = Buffer.from('plaintext');
    const collected = collectBytes(payload, 100, () => false);
    payload.write(piece);
    await expect(collected).rejects.toMatchObject({ kind: 'busy' });
    expect(piece).toEqual(Buffer.alloc(9));
  });

  it('fails when the connection ends half way', async () => {
    const payload = new PassThrough();
    const collected = collectBytes(payload, 8, () => true);
    payload.write('half');
    payload.destroy();
    await expect(collected).rejects.toMatchObject({ kind: 'badBody' });
  });
});

describe('a body that is not waited for any more', () => {
  it.each([true, false])('fails with the reason (aborted before: %s), and what comes still is read', async (before) => {
    const payload = new PassThrough();
    const controller = new AbortController();
    const reason = new Error('ended');
    if (before) controller.abort(reason);
    const collected = collectBytes(payload, 100, () => true, controller.signal);
    payload.write('half');
    controller.abort(reason);
    await expect(collected).rejects.toBe(reason);
    payload.end('rest');
    await once(payload, 'end');
  });
});

describe('readJsonBody', () => {
  it.each([1, 300_000])('reads a body with %i blanks as it would at once', async (blanks) => {
    const read = (text: string, relaxed = true) => readJsonBody(Buffer.from(text + ' '.repeat(blanks)), relaxed);
    expect(await read('')).toBeUndefined();
    expect(await read('\ufeff{"a":[1]}')).toEqual({ a: [1] });
    expect(await read('{a:[1,]} // x')).toEqual({ a: [1] });
    for (const wrong of ['{a', '{"__proto__":1}', `${'['.repeat(101)}${']'.repeat(101)}`])
      await expect(read(wrong)).rejects.toMatchObject({ kind: 'badJson', message: 'badJson' });
    await expect(read('{a:[1,]}', false)).rejects.toMatchObject({ kind: 'badJson' });
    await expect(readJsonBody(Buffer.alloc(blanks, 0xff), true)).rejects.toMatchObject({ kind: 'badJson' });
  });
});

describe('parseJsonBody', () => {
  const depth = (levels: number): Buffer => Buffer.from('['.repeat(levels) + ']'.repeat(levels));

  it.each([1, 99, 100])('takes %i levels', (levels) => {
    expect(JSON.stringify(parseJsonBody(depth(levels)))).toHaveLength(2 * levels);
  });

  it.each([101, 200_000])('refuses %i levels', (levels) => {
    expect(() => parseJsonBody(depth(levels))).toThrow('badJson');
  });

  it('says nothing of what was in the body', () => {
    expect(() => parseJsonBody(Buffer.from('secret'))).toThrow(/^badJson$/);
  });
});

import { describe, expect, it } from 'vitest';
import { requirePreconditions } from './etag.ts';

const etag = '"2024-12-01T02:07:25.8512192Z"';

describe('requirePreconditions', () => {
  it.each([
    [{}, etag, true],
    [{}, undefined, true],
    [{ 'if-match': '*' }, etag, true],
    [{ 'if-match': '*' }, undefined, false],
    [{ 'if-match': etag }, etag, true],
    [{ 'if-match': etag.replaceAll('"', '') }, etag, true],
    [{ 'if-match': `W/${etag}` }, etag, true],
    [{ 'if-match': `"other", ${etag}` }, etag, true],
    [{ 'if-match': '"other"' }, etag, false],
    [{ 'if-match': etag }, undefined, false],
    [{ 'if-match': '' }, undefined, true],
    [{ 'if-none-match': '*' }, undefined, true],
    [{ 'if-none-match': '*' }, etag, false],
    [{ 'if-none-match': '"other"' }, etag, true],
    [{ 'if-none-match': etag }, etag, false],
  ])('%j against %j: %s', (headers, current, holds) => {
    const check = () => requirePreconditions(headers, current);
    if (holds) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ status: 412, code: 'PreconditionFailed' }) as Error);
  });
});

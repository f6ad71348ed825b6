import { describe, expect, it } from 'vitest';
import { azureErrorLine, isForbidden, isNotFound, readAzureError } from './azure-error.ts';

const thrown = (message: string, members: object = {}): Error => Object.assign(new Error(message), members);

describe('errors of the SDKs', () => {
  it('of a request: status, code, message and what the service adds, in one line', () => {
    const error = thrown('No\r\n  access', {
      name: 'RestError',
      statusCode: 400,
      code: 'IdentityDoesNotHaveAccessToKeyVault',
      details: {
        error: {
          code: 'IdentityDoesNotHaveAccessToKeyVault',
          message: 'No\r\n  access',
          details: [{ code: 'Remedy', message: 'grant\nit' }, { code: 'Empty' }],
        },
      },
    });
    expect(azureErrorLine(error)).toBe('400 IdentityDoesNotHaveAccessToKeyVault: No access grant it');
  });

  it.each([
    ['The long-running operation has failed. Failed. Internal Server Error', 'Failed', 'Internal Server Error'],
    [
      "The long-running operation has failed. KeyVaultNotFound. KeyVault 'https://x/' was not found",
      'KeyVaultNotFound',
      "KeyVault 'https://x/' was not found",
    ],
    ['The long-running operation has failed', undefined, 'The long-running operation has failed'],
  ])('of an operation that failed after it was accepted: %s', (text, code, message) => {
    const found = readAzureError(thrown(text));
    expect(found.code).toBe(code);
    expect(found.message).toBe(message);
  });

  it('of a network and of something that is no error', () => {
    expect(azureErrorLine(thrown('getaddrinfo ENOTFOUND x', { code: 'ENOTFOUND' }))).toBe(
      'ENOTFOUND: getaddrinfo ENOTFOUND x',
    );
    expect(azureErrorLine('only text')).toBe('only text');
    expect(azureErrorLine(undefined)).toBe('undefined');
  });

  it('lets no text of a service steer the terminal, and is not endless', () => {
    expect(azureErrorLine(thrown('a\u001b[31mb\u0000c\u202ed'))).toBe('a [31mb c d');
    expect(readAzureError(thrown('x'.repeat(10_000))).message).toHaveLength(2000);
  });

  it('tells what is not there from what is not allowed', () => {
    expect(isNotFound({ statusCode: 404 })).toBe(true);
    expect(isNotFound({ statusCode: 403 })).toBe(false);
    expect([401, 403, 404, 500].map((statusCode) => isForbidden({ statusCode }))).toEqual([true, true, false, false]);
  });
});

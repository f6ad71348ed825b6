import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EnvironmentFormatError, environmentFormats } from './environment-format.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kustody-env-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const awkward = [
  'plain',
  '',
  ' leading and trailing ',
  "it's",
  'say "hi"',
  '$HOME `id` $(id)',
  'C:\\Users\\me',
  'two\nlines',
  '# no comment',
  'a=b;c&d|e>f',
  '~tilde *',
  'grün €',
  '-Dx=localhost|127.*|[::1]',
];

describe('environment formats', () => {
  it.each(awkward)('a POSIX shell reads back %j', (value) => {
    const script = `${environmentFormats.shell({ GIVEN: value })}printf %s "$GIVEN"`;
    expect(execFileSync('/bin/sh', ['-c', script], { env: {} }).toString()).toBe(value);
  });

  it('a POSIX shell reads back any text', () => {
    // No environment can hold NUL.
    const texts = fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')));
    const property = fc.property(texts, (values) => {
      const environment = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));
      const prints = values.map((_, index) => `printf '%s\\0' "$V${index}"`);
      const script = [environmentFormats.shell(environment), ...prints].join('\n');
      expect(execFileSync('/bin/sh', [], { env: {}, input: script }).toString()).toBe(
        values.map((value) => `${value}\0`).join(''),
      );
    });
    fc.assert(property, { numRuns: 30 });
  });

  it('a POSIX shell loses what is to be removed', () => {
    const script = `${environmentFormats.shell({ GONE: undefined })}echo "\${GONE-none}"`;
    expect(execFileSync('/bin/sh', ['-c', script], { env: { GONE: 'here' } }).toString()).toBe('none\n');
  });

  it.each(awkward)('dotenv readers read back %j', (value) => {
    const file = environmentFormats.dotenv({ BEFORE: '1', GIVEN: value, AFTER: '2' });
    expect(parseEnv(file)).toEqual({ BEFORE: '1', GIVEN: value, AFTER: '2' });
    const path = join(directory, 'dotenv');
    writeFileSync(path, file);
    const program = 'import dotenv,json,sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))';
    const python = spawnSync('python3', ['-c', program, path]);
    if (python.status === 0)
      expect(JSON.parse(python.stdout.toString())).toEqual({ BEFORE: '1', GIVEN: value, AFTER: '2' });
  });

  it.each([
    'it\'s "both"',
    "it's $HOME",
    "it's `id`",
    '${HOME}',
    '\\\\server\\share with space',
    "it's C:\\x",
    'carriage\rreturn',
    '\0',
  ])('dotenv refuses %j, on which readers do not agree, without showing it', (value) => {
    const format = () => environmentFormats.dotenv({ GIVEN: value });
    expect(format).toThrow(EnvironmentFormatError);
    expect(format).toThrow('The value of GIVEN has characters that a dotenv file cannot carry.');
  });

  it('JSON names what is to be removed', () => {
    expect(JSON.parse(environmentFormats.json({ A: 'x"y', GONE: undefined }))).toEqual({ A: 'x"y', GONE: null });
  });

  it('PowerShell quotes double', () => {
    expect(environmentFormats.powershell({ A: "it's ’ $x", GONE: undefined })).toBe(
      "$env:A = 'it''s ’’ $x'\nRemove-Item Env:GONE -ErrorAction SilentlyContinue\n",
    );
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileBicep } from './bicep.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-bicep-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A program in place of the compiler. */
function program(name: string, script: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!${process.execPath}\n${script}\n`, { mode: 0o700 });
  return path;
}

describe('a Bicep file', () => {
  it('is handed to the compiler by name, whatever the name is, and what that prints is the template', () => {
    const compiler = program(
      'echoes',
      "process.stderr.write('a warning'); console.log(JSON.stringify({ resources: [], sent: process.argv.slice(2) }));",
    );
    const file = "my file; $(rm) 'x'.bicep";
    expect(compileBicep(file, compiler)).toEqual({ resources: [], sent: ['build', file, '--stdout'] });
  });

  it('that does not compile says what the compiler says', () => {
    const compiler = program('refuses', "process.stderr.write('main.bicep(1,1) : Error BCP007\\n'); process.exit(1);");
    expect(() => compileBicep('main.bicep', compiler)).toThrow(
      'main.bicep does not compile:\nmain.bicep(1,1) : Error BCP007',
    );
  });

  it('without a compiler names the way to one', () => {
    expect(() => compileBicep('main.bicep', join(directory, 'nowhere'))).toThrow(/there is no '.*nowhere'/);
  });

  it.each(['', '[]', 'no JSON', '{"cut": '])('from which the compiler makes %j is no template', (printed) => {
    const compiler = program('prints', `process.stdout.write(${JSON.stringify(printed)});`);
    expect(() => compileBicep('main.bicep', compiler)).toThrow(`'${compiler}' gave no template.`);
  });
});

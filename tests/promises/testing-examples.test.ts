import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PackedProject } from '../support/packed-project.ts';
import { filesShown } from '../../scripts/page-script.mjs';
import { packedProject } from '../support/packed-project.ts';

const files = filesShown(readFileSync('docs/testing.md', 'utf8'));
const compilerOptions = {
  ...{ target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], module: 'NodeNext', types: ['node'], strict: true },
  ...{ skipLibCheck: true, exactOptionalPropertyTypes: true, outDir: 'out' },
};

const [readme = ''] = [...readFileSync('README.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, text = '']) => text,
);

let project: PackedProject;
/** What the compiler said of all that is compiled: it reads the declarations of the SDKs once. */
let problems: string;
const compile = (...names: string[]) => {
  project.write(new Map([['tsconfig.json', JSON.stringify({ compilerOptions, files: names })]]));
  return project.node(['node_modules/typescript/bin/tsc', '-p', '.']);
};

beforeAll(() => {
  project = packedProject();
  project.write(new Map([...files, ['readme.mts', readme]]));
  problems = compile('first.mts', 'logs.test.mts', 'readme.mts').output;
});
afterAll(() => {
  project.remove();
});

describe('what docs/testing.md shows, with the packed tarball', () => {
  it('is a file for each runner', () => {
    expect([...files.keys()]).toEqual([
      'first.mts',
      'vitest.config.mts',
      'logs.test.mts',
      'jest.config.cjs',
      'logs.test.cjs',
      'logs.node.mjs',
    ]);
  });

  it('compiles, and does what it says', () => {
    expect(problems).toBe('');
    const { code, stdout, output } = project.node(['out/first.mjs']);
    expect(code, output).toBe(0);
    expect(stdout).toContain('[ { A: 42 } ]');
    expect(stdout).toContain('"Sum":42');
    expect(stdout).toMatch(/Error: .*(suspend|key)/i);
  });

  it.each(['forks', 'threads'])('runs in Vitest (%s)', (pool) => {
    const { code, output } = project.node(
      ['node_modules/vitest/vitest.mjs', 'run', 'logs.test.mts', `--pool=${pool}`],
      { CI: '1' },
    );
    expect(code, output).toBe(0);
    expect(output).toMatch(/Tests\s+2 passed/);
    expect(project.leftBehind()).toEqual([]);
  });

  it('runs in Jest', () => {
    const { code, output } = project.node(['node_modules/jest/bin/jest.js', 'logs.test.cjs'], { CI: '1' });
    expect(code, output).toBe(0);
    expect(output).toMatch(/Tests:\s+2 passed/);
    expect(project.leftBehind()).toEqual([]);
  });

  it('loads SDKs that are ES modules alone in Jest when that is started for it, and else says how', () => {
    project.write(
      new Map([
        [
          'esm.test.cjs',
          `const { kustody } = require('kustody/jest');
           test('rows', async () => {
             const client = await kustody().kustoClient();
             expect((await client.execute(null, 'print A = 1')).primaryResults[0].toJSON().data).toEqual([{ A: 1 }]);
           });`,
        ],
      ]),
    );
    const jest = ['node_modules/jest/bin/jest.js', 'esm.test.cjs'];
    const plain = project.node(jest, { CI: '1' });
    expect(plain.output).toContain('start Jest with NODE_OPTIONS=--experimental-vm-modules');
    const { code, output } = project.node(jest, { CI: '1', NODE_OPTIONS: '--experimental-vm-modules' });
    expect(code, output).toBe(0);
  });

  it('runs in node:test', () => {
    const { code, output } = project.node(['--test', 'logs.node.mjs']);
    expect(code, output).toBe(0);
    expect(output).toMatch(/pass 2/);
    expect(project.leftBehind()).toEqual([]);
  });

  it('includes the example of the README', () => {
    expect(readme).toContain("from 'kustody/testing'");
    expect(problems).toBe('');
    const { code, output } = project.node(['out/readme.mjs']);
    expect(code, output).toBe(0);
    expect(project.leftBehind()).toEqual([]);
  });
});

describe('the test library without any SDK', () => {
  it('has types that are whole, and says what to install', () => {
    const isLinked = (name: string): boolean =>
      [
        '@types',
        'undici-types',
        'typescript',
        'libsql',
        '@libsql',
        '@neon-rs',
        'detect-libc',
        '@duckdb',
        'pino',
      ].includes(name);
    const bare = packedProject(isLinked, project);
    try {
      bare.write(
        new Map([
          [
            'bare.mts',
            `import { startKustody } from 'kustody/testing';
             import { kustody } from 'kustody/vitest';
             import jestSetup from 'kustody/jest';
             const k = await startKustody();
             const shared: () => string = () => kustody().cluster.uri;
             console.log(typeof shared, typeof jestSetup);
             await k.keyClient('https://x.vault.azure.net').catch((error: unknown) => console.log(String(error)));
             await k.close();`,
          ],
          [
            'tsconfig.json',
            JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: false }, files: ['bare.mts'] }),
          ],
        ]),
      );
      expect(bare.node(['node_modules/typescript/bin/tsc', '-p', '.']).output).toBe('');
      const { code, output } = bare.node(['out/bare.mjs']);
      expect(output).toContain('npm install --save-dev @azure/keyvault-keys');
      expect(code).toBe(0);
    } finally {
      bare.remove();
    }
  });
});

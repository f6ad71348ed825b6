import { transform } from 'esbuild';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { azureCliFolder, hasAzureCli, startAzureCli } from '../support/azure-cli.ts';
import { kustody } from '../support/kustody-command.ts';
import { python, pythonHas } from '../support/python.ts';
import { masked, snippetsOf, withOutputs } from './runnable-page.ts';
import type { Snippet } from './runnable-page.ts';

const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'docs', 'article.md');
const snippets = snippetsOf(readFileSync(path, 'utf8'));
const steps = [...new Set(snippets.map(({ heading }) => heading))].filter(
  (heading) => !heading.startsWith('Configure'),
);
const languages = ['bash', 'powershell', 'ts', 'python', 'csharp'];

// Below the repository, where the packages that TypeScript imports are found.
mkdirSync(join(root, '.cache'), { recursive: true });
const directory = mkdtempSync(join(root, '.cache', 'article-page-'));
let cli: Awaited<ReturnType<typeof startAzureCli>> | undefined;
afterAll(async () => {
  await cli?.close();
  rmSync(directory, { recursive: true });
});

if (!hasAzureCli) console.warn('Skipped: no Azure CLI (scripts/python-clients.sh azure-cli installs it).');
const hasPython = pythonHas('azure.identity', 'azure.mgmt.kusto', 'azure.mgmt.keyvault', 'azure.keyvault.keys');

const mark = (index: number): string => `=== snippet ${index} ===`;

interface Language {
  readonly info: string;
  readonly isThere: boolean;
  /** A command that tells the snippets apart by printing their mark. */
  readonly program: (code: readonly string[]) => Promise<readonly string[]>;
}

const written = (name: string, lines: readonly string[]): string => {
  const file = join(directory, name);
  writeFileSync(file, lines.join('\n'));
  return file;
};

const runnable: readonly Language[] = [
  {
    info: 'bash',
    isThere: hasAzureCli,
    program: async (code) => {
      const marked = code.flatMap((snippet, index) => [`echo '${mark(index)}'`, snippet]);
      cli = await startAzureCli(join(directory, 'az'), join(directory, 'az.sock'));
      const path = `export PATH="${azureCliFolder}:$PATH" AZURE_CORE_ONLY_SHOW_ERRORS=true`;
      const prelude = [`set -euo pipefail`, path, cli.bash];
      return ['bash', written('article.sh', [...prelude, ...marked])];
    },
  },
  {
    info: 'ts',
    isThere: true,
    program: async (code) => {
      const marked = code.flatMap((snippet, index) => [`console.log('${mark(index)}');`, snippet]);
      const { code: script } = await transform(marked.join('\n'), { loader: 'ts', format: 'esm', target: 'node20' });
      return [process.execPath, written('article.mjs', [script])];
    },
  },
  {
    info: 'python',
    isThere: hasPython,
    program: (code) => {
      const marked = code.flatMap((snippet, index) => [`print('${mark(index)}')`, snippet]);
      return Promise.resolve([python, written('article.py', marked)]);
    },
  },
];

/** Runs the snippets one after the other as one program, in a new Kustody. @returns what each printed */
async function outputsOf({ info, program }: Language): Promise<ReadonlyMap<Snippet, string>> {
  const own = snippets.filter(({ language }) => language === info);
  const { code, stdout, stderr } = await kustody(['run', '--', ...(await program(own.map((snippet) => snippet.code)))]);
  if (code !== 0) throw new Error(`${info} ended with ${String(code)}: ${stdout}${stderr}`);
  const parts = own.map((_, index) => (stdout.split(`${mark(index)}\n`)[1] ?? '').split('=== snippet ')[0] ?? '');
  return new Map(own.map((snippet, index) => [snippet, parts[index] ?? '']));
}

describe('docs/article.md', () => {
  it('has every step in every language', () => {
    expect(steps.length).toBeGreaterThan(10);
    for (const heading of steps)
      expect([heading, ...snippets.filter((one) => one.heading === heading).map(({ language }) => language)]).toEqual([
        ...[heading, ...languages],
      ]);
  });

  it('has TypeScript without errors of types', () => {
    const code = snippets.filter(({ language }) => language === 'ts').map((snippet) => snippet.code);
    const program = ts.createProgram([written('types.ts', code)], {
      ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node'], target: ts.ScriptTarget.ES2023 },
      ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
    });
    const found = ts.getPreEmitDiagnostics(program).map((one) => ts.flattenDiagnosticMessageText(one.messageText, ' '));
    expect(found).toEqual([]);
  });

  for (const language of runnable) {
    it.skipIf(!language.isThere)(`does in ${language.info} what it says`, { timeout: 300_000 }, async () => {
      const found = await outputsOf(language);
      const shown = new Map([...found].filter(([{ output }, text]) => masked(output ?? '') !== masked(text)));
      if (process.env['KUSTODY_WRITE_DOCS'] === '1') {
        writeOutputs(shown);
        return;
      }
      for (const [{ heading, output }, text] of found)
        expect([heading, masked(text)]).toEqual([heading, masked(output ?? '')]);
    });
  }
});

/** Outputs that say the same stay as they are, with the identifiers of another run. */
function writeOutputs(outputs: ReadonlyMap<Snippet, string>): void {
  const page = readFileSync(path, 'utf8');
  const now = snippetsOf(page); // another language may have been written
  const placed = [...outputs].map(([snippet, text]): [Snippet, string] => [
    now[snippets.indexOf(snippet)] ?? snippet,
    text,
  ]);
  writeFileSync(path, withOutputs(page, new Map(placed)));
}

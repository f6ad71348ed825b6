import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readControlFile } from '../../src/server/control-file.ts';
import { writeLauncher } from '../support/kustody-command.ts';
import { python, pythonHas } from '../support/python.ts';

// The examples that people copy, run as they stand, with `kustody` on the PATH.

const root = join(import.meta.dirname, '..', '..');
const examples = join(root, 'examples');
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kustody-examples-'));
  const command = join(folder, 'bin', 'kustody');
  mkdirSync(join(folder, 'bin'));
  writeLauncher(command);
  env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: folder };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function output(command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
  return new Promise((done, fail) => {
    execFile(command, args, { env: { ...env, ...more }, cwd: folder }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else fail(new Error(`${error.message}\n${stdout}${stderr}`));
    });
  });
}

describe('the examples', () => {
  it.skipIf(!pythonHas('pytest', 'azure.identity', 'azure.kusto.data', 'azure.keyvault.keys'))(
    'pytest: the fixture leads the official clients here',
    async () => {
      const answer = await output(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', join(examples, 'pytest')]);
      expect(answer).toMatch(/^2 passed/mu);
    },
  );

  it('GitHub: the action starts an instance for the steps that follow, and masks its secrets', async () => {
    const action = parse(readFileSync(join(examples, 'github', 'action.yml'), 'utf8')) as {
      runs: { steps: readonly { name: string; run: string }[] };
    };
    expect(action.runs.steps.map(({ name }) => name)).toEqual(['Install', 'Start']);
    const variables = join(folder, 'github-env');
    const data = join(folder, 'kustody');
    try {
      const log = await output('bash', ['-eo', 'pipefail', '-c', action.runs.steps[1]?.run ?? ''], {
        RUNNER_TEMP: folder,
        GITHUB_ENV: variables,
      });
      const lines = readFileSync(variables, 'utf8').trimEnd().split('\n');
      const known = Object.fromEntries(lines.map((line) => line.split(/=(.*)/su).slice(0, 2))) as Record<
        string,
        string
      >;
      expect(log).toContain(`::add-mask::${known['AZURE_CLIENT_SECRET'] ?? 'none'}\n`);
      expect(lines).not.toContainEqual(expect.stringMatching(/=(?:null|undefined)$/u));
      const next = await output('kustody', ['query', 'print answer = 6 * 7', '--format', 'json'], known);
      expect(JSON.parse(next)).toMatchObject([{ answer: 42 }]);
    } finally {
      const server = readControlFile(data);
      if (server !== undefined) process.kill(server.pid);
    }
  });
});

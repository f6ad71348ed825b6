import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const launcher = resolve(import.meta.dirname, '..', '..', 'bin', 'kustody.cjs');

const quickKeys = resolve(import.meta.dirname, 'quick-rsa-preload.cjs');

/** How Node.js starts it in tests: as a user's, but for what new RSA keys are made of. In a campaign, into which this file is bundled, as a
 * user's in everything. */
export const launching = [...(existsSync(quickKeys) ? ['--require', quickKeys] : []), launcher];

/** A script that is the same `kustody`, for shells that find it by its path. */
export function writeLauncher(path: string): void {
  const words = [process.execPath, ...launching].map((word) => `"${word}"`).join(' ');
  writeFileSync(path, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
}

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartedCommand {
  readonly process: ChildProcess;
  readonly result: Promise<CommandResult>;
  /** Resolves when standard output has this text; rejects when the command ends first. */
  printed(text: string): Promise<void>;
}

const running = new Map<ChildProcess, Promise<unknown>>();

/** @param ended settles when it has ended */
export function endedWithTests(child: ChildProcess, ended: Promise<unknown>): void {
  running.set(child, ended);
  ended.finally(() => running.delete(child)).catch(() => undefined); // whoever waits for it hears of it
}

/** Ends what a test that failed has left running: whoever comes next in this process counts processes, or needs ports, of its own. */
export async function endLeftCommands(): Promise<void> {
  for (const child of running.keys()) child.kill('SIGKILL');
  await Promise.allSettled(running.values());
}

/** Starts the built `kustody` as a user would.
 * @param descriptors of this process, which it gets as 3 and on
 * @param program where it is, where this file is bundled: as a user's in everything */
export function startKustody(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  descriptors: readonly number[] = [],
  program?: string,
): StartedCommand {
  const child = spawn(process.execPath, [...(program === undefined ? launching : [program]), ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
  }) as ChildProcessByStdio<Writable, Readable, Readable>;
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString();
    for (const watch of watchers) watch();
  });
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const result = new Promise<CommandResult>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
  endedWithTests(child, result);
  const printed = (text: string): Promise<void> =>
    new Promise((done, fail) => {
      const watch = (): void => {
        if (!stdout.includes(text)) return;
        watchers.delete(watch);
        done();
      };
      watchers.add(watch);
      watch();
      result.then(({ code }) => fail(new Error(`ended with ${code} before it printed '${text}': ${stderr}`)), fail);
    });
  return { process: child, result, printed };
}

/** A server on a data directory, once it answers. */
export async function serveKustody(data: string): Promise<StartedCommand> {
  const server = startKustody(['up', '--data', data, '--log-level', 'silent']);
  await server.printed('Stop with');
  return server;
}

export const kustody = (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandResult> =>
  startKustody(args, env).result;

/** What a command said to people but that it is still at work, which is said of what takes seconds: on a busy machine that is anything. */
export const withoutProgress = (stderr: string): string => stderr.replaceAll(/^kustody: .* … \d+ s\n/gm, '');

export function temporaryDirectory(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'kustody-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

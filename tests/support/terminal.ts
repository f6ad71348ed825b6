import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { endedWithTests, launching } from './kustody-command.ts';

/** Of util-linux; `bsdutils`, an essential package of Debian, has it. */
const scriptProgram = '/usr/bin/script';

/** Whether a pseudo-terminal can be made here. In CI it has to be. */
export const terminalsAreThere = existsSync(scriptProgram) || process.env['CI'] !== undefined;

export interface AtTerminal {
  /** All that the terminal has shown so far, lines ending as files have them. */
  readonly screen: () => string;
  /** Resolves when the terminal shows this; rejects when the command ends before. */
  shown(text: string): Promise<void>;
  /** As somebody types it, who then presses Enter. */
  type(line: string): void;
  /** Keys without Enter: Ctrl+C is `\u0003`. */
  press(keys: string): void;
  /** Exit code of the command. */
  readonly ended: Promise<number | null>;
}

/** Starts the built `kustody` at a pseudo-terminal of its own: its standard input and standard error, and its standard output where no file is given.
 * @param environment all of it: nothing is inherited @param output a file for standard output */
export function startAtTerminal(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  output?: string,
): AtTerminal {
  const command = [process.execPath, ...launching, ...args].map(quoted).join(' ');
  const line = `exec ${command}${output === undefined ? '' : ` > ${quoted(output)}`}`;
  const child = spawn(scriptProgram, ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
    env: { ...environment, SHELL: '/bin/sh', TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text.replaceAll('\r\n', '\n');
    for (const watch of watchers) watch();
  });
  child.stdin.on('error', () => undefined); // typed at a command that has ended
  const ended = new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  endedWithTests(child, ended);
  return {
    screen: () => screen,
    shown: (text) =>
      new Promise((done, fail) => {
        const watch = (): void => {
          if (!screen.includes(text)) return;
          watchers.delete(watch);
          done();
        };
        watchers.add(watch);
        watch();
        ended.then((code) => fail(new Error(`ended with ${code} before it showed '${text}': ${screen}`)), fail);
      }),
    type: (text) => child.stdin.write(`${text}\r`),
    press: (keys) => child.stdin.write(keys),
    ended,
  };
}

const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

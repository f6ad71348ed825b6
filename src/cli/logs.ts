import { Command, InvalidArgumentError } from 'commander';
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../base/json.ts';
import { logFileName } from '../http/log-file.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { UserError } from './user-error.ts';

interface LogsOptions {
  readonly data?: string;
  readonly json: boolean;
  readonly lines: number;
  readonly follow: boolean;
}

const followEveryMs = 500;

export function logsCommand(): Command {
  return new Command('logs')
    .description(
      'Print the log of a data directory, whether it is served now or not: each request with its plane, operation and status, and what went wrong. No secrets, bodies or query texts are in it.',
    )
    .addOption(dataOption())
    .option('--lines <N>', 'so many of the last lines', parseLines, 200)
    .option('--follow', 'go on with what comes, until interrupted', false)
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  $ kustody logs --lines 20\n  $ kustody logs --follow --json | jq .status')
    .action(logs);
}

async function logs(options: LogsOptions): Promise<void> {
  const path = join(dataDirectoryOf(options), logFileName);
  if (!existsSync(path)) throw new UserError(`There is no log at ${path}.`, 'Give the data directory with --data.');
  const print = (line: string): boolean => process.stdout.write(`${options.json ? line : readable(line)}\n`);
  const older = existsSync(`${path}.1`) ? readFileSync(`${path}.1`, 'utf8') : '';
  const text = readFileSync(path, 'utf8');
  linesOf(older + text)
    .slice(-options.lines)
    .forEach(print);
  for (let from = Buffer.byteLength(text); options.follow;) {
    await new Promise((resolve) => setTimeout(resolve, followEveryMs));
    const size = statSync(path).size;
    if (size < from) from = 0; // a new file
    const added = readFrom(path, from, size);
    const whole = added.slice(0, added.lastIndexOf('\n') + 1);
    from += Buffer.byteLength(whole);
    linesOf(whole).forEach(print);
  }
}

function readFrom(path: string, from: number, to: number): string {
  const buffer = Buffer.alloc(to - from);
  const descriptor = openSync(path, 'r');
  try {
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, from)).toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

/** `07:15:08.123 warn  foreign host refused  host=packages.example.org`; what is no line of ours stays as it is. */
export function readable(line: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return line;
  }
  if (!isJsonObject(value)) return line;
  const { level, time, msg, ...fields } = value;
  const shown = Object.entries(fields).map(([name, field]) => `${name}=${plain(field)}`);
  return `${plain(time)} ${plain(level).padEnd(5)} ${plain(msg)}  ${shown.join(' ')}`.trimEnd();
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function parseLines(text: string): number {
  const lines = Number(text);
  if (!Number.isInteger(lines) || lines < 0) throw new InvalidArgumentError('A whole number of lines.');
  return lines;
}

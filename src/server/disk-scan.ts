import { fork } from 'node:child_process';
import { endsWithUs } from '../base/ends-with-us.ts';
import type { CanaryMatch, ScanResult } from './canary-scan.ts';

export interface ScanTask {
  readonly directory: string;
  readonly canaries: readonly string[];
}

/** What a scan found. Names of files are relative to the data directory. */
export interface DiskScan {
  readonly files: number;
  readonly bytes: number;
  /** The first of each canary, form and file; at most 200 of them. */
  readonly matches: readonly CanaryMatch[];
  readonly matchCount: number;
  /** Files that could not be read: what lies in them is not known. At most 200. */
  readonly unreadable: readonly string[];
  readonly unreadableCount: number;
}

export interface ScanSettings {
  readonly dataDirectory: string;
  readonly scripts: { readonly scanProcess: string };
}

export class ScanBusyError extends Error {}

const listedMax = 200;
const scanMs = 10 * 60_000;

/** Reads every file of the data directory, one scan at a time, in a process of its own: closing a file that this process has open, too,
 * would drop its lock on it, and looking through gigabytes is no work for the thread that answers.
 * @throws ScanBusyError while another is under way; Error when it took longer than 10 minutes, was aborted, or its process ended */
export function createDiskScan({
  scripts,
  dataDirectory: directory,
}: ScanSettings): (canaries: readonly string[], signal: AbortSignal) => Promise<DiskScan> {
  let underWay = false;
  return async (canaries, signal) => {
    if (underWay) throw new ScanBusyError();
    underWay = true;
    try {
      return limited(await scanApart(scripts.scanProcess, { directory, canaries }, signal));
    } finally {
      underWay = false;
    }
  };
}

async function scanApart(script: string, task: ScanTask, signal: AbortSignal): Promise<ScanResult> {
  // Without our environment: it may have the root key.
  const child = fork(script, [], { env: {}, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  endsWithUs(child);
  const ended = AbortSignal.any([signal, AbortSignal.timeout(scanMs)]);
  const kill = (): void => void child.kill('SIGKILL');
  ended.addEventListener('abort', kill);
  try {
    return await new Promise<ScanResult>((resolve, reject) => {
      child.once('message', (result) => resolve(result as ScanResult));
      child.once('error', reject);
      child.once('exit', () => reject(new Error('The scan ended before it was done.')));
      if (ended.aborted) kill();
      else child.send(task, (error) => error !== null && reject(error));
    });
  } finally {
    ended.removeEventListener('abort', kill);
    kill();
  }
}

const limited = ({ files, bytes, matches, unreadable }: ScanResult): DiskScan => ({
  ...{ files, bytes, matches: matches.slice(0, listedMax), matchCount: matches.length },
  ...{ unreadable: unreadable.slice(0, listedMax), unreadableCount: unreadable.length },
});

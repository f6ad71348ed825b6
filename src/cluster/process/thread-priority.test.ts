import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { afterEach, expect, it } from 'vitest';
import { giveWay } from './thread-priority.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that waits for its input. */
function waiting(): number {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  children.push(child);
  if (child.pid === undefined) throw new Error('it did not start');
  return child.pid;
}

it('lowers a priority, and leaves one that is lower already: to raise it is not allowed', () => {
  const own = getPriority();
  const [usual, nice] = [waiting(), waiting()];
  setPriority(nice, 18);
  for (const id of [usual, nice]) giveWay(own + 1, id);
  expect([getPriority(usual), getPriority(nice)]).toEqual([own + 1, 18]);
});

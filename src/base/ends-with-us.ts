import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/** Waits for a line, or for the end of its input, which comes when whoever holds the other end of the pipe is gone. */
const watch = 'read -r _ || kill -9 "$1"';

/** Makes a child process end when this one does, however that ends and however busy the child is: a child learns by itself that its parent
 * is gone only when its event loop turns. The kernel closes our pipe to a shell, which then kills the child. (`PR_SET_PDEATHSIG` would do
 * the same, but Node cannot ask for it, and `setpriv` is not everywhere.) Nothing on Windows. */
export function endsWithUs(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || process.platform === 'win32') return;
  const watcher = spawn('/bin/sh', ['-c', watch, 'sh', String(pid)], {
    env: {},
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    // A signal for our whole group, such as Ctrl-C, must not end it before us.
    detached: true,
  });
  watcher.on('error', () => undefined); // there is no shell: then the child's own event loop is all there is
  watcher.stdin.on('error', () => undefined);
  watcher.unref();
  if (watcher.stdin instanceof Socket) watcher.stdin.unref();
  child.once('exit', () => watcher.stdin.end('\n')); // its number may be another's soon
}

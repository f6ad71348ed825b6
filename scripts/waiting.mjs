// Says on standard error what a child process takes its time for: a terminal gets one line that changes, others plain lines.
import { spawn } from 'node:child_process';
import { clearInterval, setInterval } from 'node:timers';

const tellEveryMs = 1_500;
const redrawMs = 500;

/** Runs a program whose output is not for anybody unless it fails. @returns its exit code and what it wrote */
export function runWaiting(what, command, args, options) {
  const { stderr } = process;
  const startedMs = performance.now();
  let isDrawn = false;
  const erase = () => {
    if (isDrawn) stderr.write('\r\u001b[2K');
  };
  const tell = () => {
    const line = `${what} … ${Math.floor((performance.now() - startedMs) / 1000)} s`;
    erase();
    stderr.write(stderr.isTTY ? line : `${line}\n`);
    isDrawn = stderr.isTTY === true;
  };
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['inherit', 'pipe', 'pipe'] });
    const written = [];
    const timer = setInterval(tell, stderr.isTTY ? redrawMs : tellEveryMs);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => written.push(text));
    const end = (code, error) => {
      clearInterval(timer);
      erase();
      resolve({ code, error, output: Buffer.concat(written).toString() });
    };
    child.once('error', (error) => end(undefined, error));
    child.once('close', (code) => end(code));
  });
}

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { restoreCoreDumps } from '../base/core-dumps.ts';
import type { Environment } from './client-environment.ts';
import { UserError } from './user-error.ts';

export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to our own environment; `undefined` takes a variable away. */
  readonly environment: Environment;
}

const forwarded = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Runs a command with our standard streams.
 * @returns its exit code, or 128 and the number of the signal that ended it, as shells have it
 * @throws UserError when it cannot be started */
export function runChild({ command, args, environment }: ChildCommand): Promise<number> {
  return new Promise((resolve, reject) => {
    const env: NodeJS.ProcessEnv = { ...process.env };
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) Reflect.deleteProperty(env, name);
      else env[name] = value;
    }
    const child = spawn(command, args, { stdio: 'inherit', env, shell: false });
    restoreCoreDumps(child.pid);
    const handlers = forwarded.map((signal) => {
      // A terminal sends SIGINT and SIGQUIT to the child itself: sending them on would deliver them twice.
      const fromTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY;
      const handler = (): void => {
        if (!fromTerminal) child.kill(signal);
      };
      process.on(signal, handler);
      return { signal, handler };
    });
    const done = (): void => {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      done();
      if (error.code === 'ENOENT') reject(new UserError(`Command '${command}' was not found.`, undefined, 127));
      else if (error.code === 'EACCES') reject(new UserError(`Command '${command}' may not be run.`, undefined, 126));
      else reject(error);
    });
    child.once('exit', (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

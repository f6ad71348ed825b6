import { Listr } from 'listr2';
import type { Progress } from '../../cmk/apply.ts';

/** For people: each step while it runs, then what came of it. */
export const terminalProgress = (isTerminal: boolean): Progress => ({
  run: async (title, work) => {
    const list = new Listr(
      [
        {
          title,
          rendererOptions: { persistentOutput: true },
          task: async (_context, task): Promise<void> => {
            task.output = await work();
          },
        },
      ],
      {
        renderer: isTerminal ? 'default' : 'simple',
        rendererOptions: isTerminal ? { collapseErrors: false, showErrorMessage: false } : {},
      },
    );
    await list.run();
  },
});

/** For machines: nothing until the one document at the end. */
export const silentProgress: Progress = {
  run: async (_title, work) => {
    await work();
  },
};

export const progressOf = (json: boolean): Progress => (json ? silentProgress : terminalProgress(process.stdout.isTTY));

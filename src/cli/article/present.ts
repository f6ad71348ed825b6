import { terminalWidth, textTable } from '../text-table.ts';
import { Listr } from 'listr2';
import type { ErrorRecord, Presenter, StepRecord } from './article-steps.ts';

export interface ArticleReport {
  readonly ok: boolean;
  readonly milliseconds: number;
  readonly steps: readonly StepRecord[];
  readonly errors: readonly ErrorRecord[];
}

/** For people: a spinner while a step runs, then its time, its explanation and what came of it. */
export function terminalPresenter(isTerminal: boolean): Presenter {
  return {
    show: async (title, explanation, work) => {
      let record: StepRecord | undefined;
      const list = new Listr(
        [
          {
            title,
            rendererOptions: { persistentOutput: true, outputBar: Infinity },
            task: async (_context, task): Promise<void> => {
              task.output = explanation;
              record = await work();
              task.title = `${title} (${duration(record.milliseconds)})`;
              task.output = record.result ?? record.failure ?? '';
              if (record.failure !== undefined) throw new Error(record.failure);
            },
          },
        ],
        {
          renderer: isTerminal ? 'default' : 'simple',
          exitOnError: false,
          rendererOptions: isTerminal ? { collapseErrors: false, showErrorMessage: false } : {},
        },
      );
      await list.run();
      return record ?? { title, explanation, milliseconds: 0, failure: 'The step did not run.' };
    },
  };
}

/** For machines: nothing until the one document at the end. */
export const silentPresenter: Presenter = { show: (_title, _explanation, work) => work() };

export function reportTable(report: ArticleReport): string {
  const steps = report.steps.map(({ title, milliseconds, failure }) => [
    ...[failure === undefined ? 'ok' : 'FAILED', title, duration(milliseconds)],
  ]);
  const errors = report.errors.map(({ foundCode, foundMessage }) => [foundCode, foundMessage]);
  const done = report.steps.filter(({ failure }) => failure === undefined).length;
  const verdict = report.ok ? 'The article works from end to end' : 'The article does not work';
  const last = `${verdict}: ${done} of ${report.steps.length} steps, ${report.errors.length} of 8 documented errors, ${duration(report.milliseconds)}.`;
  const tables = [
    textTable(['', 'Step', 'Time'], steps),
    ...(errors.length === 0
      ? []
      : [textTable(['Documented error', 'Message that came'], errors, terminalWidth() ?? 130)]),
  ];
  return [...tables, last].join('\n');
}

export const reportJson = (report: ArticleReport): string =>
  JSON.stringify({ article: 'Configure customer-managed keys', ...report }, undefined, 2);

const duration = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

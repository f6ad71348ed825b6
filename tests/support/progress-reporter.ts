import type { Reporter } from 'vitest/node';

const tellEveryMs = 1_900;

/** Where nobody sees Vitest's own changing lines: says every two seconds how far the run is, unless it just has. */
export class ProgressReporter implements Reporter {
  #stop = (): void => undefined;
  #done = 0;
  #running = new Set<string>();

  onTestRunStart(specifications: readonly unknown[]): void {
    const startedMs = performance.now();
    const timer = setInterval(() => {
      const seconds = Math.floor((performance.now() - startedMs) / 1000);
      const now = [...this.#running].join(', ');
      process.stderr.write(
        `… ${this.#done} of ${specifications.length} files, ${seconds} s${now === '' ? '' : `: ${now}`}\n`,
      );
    }, tellEveryMs);
    this.#stop = () => clearInterval(timer);
  }

  onTestModuleStart({ relativeModuleId }: { readonly relativeModuleId: string }): void {
    this.#running.add(relativeModuleId);
  }

  onTestModuleEnd({ relativeModuleId }: { readonly relativeModuleId: string }): void {
    this.#running.delete(relativeModuleId);
    this.#done += 1;
  }

  onTestRunEnd(): void {
    this.#stop();
  }
}

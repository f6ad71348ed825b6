/** One thing that the article does, and how it went. */
export interface StepRecord {
  readonly title: string;
  /** One line: why this is done. */
  readonly explanation: string;
  readonly milliseconds: number;
  /** What came of it, in one line; absent when it failed. */
  readonly result?: string;
  readonly failure?: string;
}

/** One of the documented errors, provoked. */
export interface ErrorRecord {
  /** As the article documents them. */
  readonly code: string;
  readonly message: string;
  /** What the service answered. */
  readonly foundCode: string;
  readonly foundMessage: string;
  /** Cause and remedy, when the answer names them in `error.details`. */
  readonly details: readonly string[];
  readonly asDocumented: boolean;
}

export interface StepOutcome<T> {
  /** For the steps after it. */
  readonly value: T;
  readonly result: string;
}

/** Performs one step; the article is a sequence of these. @throws StepFailed, after which nothing else is tried */
export type Step = <T>(title: string, explanation: string, work: () => Promise<StepOutcome<T>>) => Promise<T>;

export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

export interface Presenter {
  /** Shows that the step runs, then how it ended. */
  show(title: string, explanation: string, work: () => Promise<StepRecord>): Promise<StepRecord>;
}

/** @param now milliseconds that never go back */
export function createStep(presenter: Presenter, now: () => number, records: StepRecord[]): Step {
  return async <T>(title: string, explanation: string, work: () => Promise<StepOutcome<T>>): Promise<T> => {
    let outcome: StepOutcome<T> | undefined;
    const record = await presenter.show(title, explanation, async () => {
      const start = now();
      try {
        outcome = await work();
        return { title, explanation, milliseconds: now() - start, result: outcome.result };
      } catch (error) {
        return { title, explanation, milliseconds: now() - start, failure: describe(error) };
      }
    });
    records.push(record);
    if (outcome === undefined) throw new StepFailed(record.failure ?? 'The step gave no result.');
    return outcome.value;
  };
}

/** What an SDK throws: code and message of the service, if it got that far. */
export function readServiceError(error: unknown): {
  readonly code: string;
  readonly message: string;
  readonly details: readonly string[];
} {
  const top = asObject(error);
  const body = asObject(asObject(top['details'])['error']);
  const code = body['code'] ?? top['code'];
  const message = body['message'] ?? top['message'];
  const details = Array.isArray(body['details']) ? body['details'].map((detail) => asObject(detail)['message']) : [];
  return {
    code: typeof code === 'string' ? code : 'no code',
    message: typeof message === 'string' ? message : String(error),
    details: details.filter((detail) => typeof detail === 'string'),
  };
}

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).concat(ownMessage(value)))
    : {};

/** The message of an Error is not enumerable. */
const ownMessage = (value: object): [string, unknown][] => (value instanceof Error ? [['message', value.message]] : []);

function describe(error: unknown): string {
  const { code, message, details } = readServiceError(error);
  return [`${code}: ${message}`, ...details].join(' ').slice(0, 2000);
}

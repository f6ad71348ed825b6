import type { Json } from '../../base/json.ts';
import type { Step, StepOutcome, TemplateSeed } from '../evaluation.ts';
import type { RuntimeNeed } from '../expressions/template-error.ts';
import { NeedsRuntime, NotBuiltInTemplates, TemplateError } from '../expressions/template-error.ts';

/** To the thread: one step of one template. It answers each before it gets the next. */
export interface StepMessage {
  readonly template: number;
  /** When the thread has not got it yet. */
  readonly seed?: TemplateSeed;
  /** Since the last step of this template. */
  readonly answers: readonly (readonly [string, Json])[];
  readonly step: Step;
  readonly work: number;
  /** Templates of which it will hear no more. */
  readonly forget: readonly number[];
}

/** What an evaluation can throw, as one thread tells it to another. */
type Thrown =
  | { readonly kind: 'template'; readonly text: string; readonly path?: readonly (string | number)[] }
  | { readonly kind: 'need'; readonly need: RuntimeNeed }
  | { readonly kind: 'notBuilt'; readonly text: string }
  | { readonly kind: 'bug'; readonly text: string };

export type StepReply = { readonly used: number } & ({ readonly result: unknown } | { readonly thrown: Thrown });

export const toReply = (outcome: StepOutcome): StepReply =>
  'thrown' in outcome ? { used: outcome.used, thrown: toThrown(outcome.thrown) } : outcome;

function toThrown(error: unknown): Thrown {
  if (error instanceof NeedsRuntime) return { kind: 'need', need: error.need };
  if (error instanceof NotBuiltInTemplates) return { kind: 'notBuilt', text: error.message };
  if (error instanceof TemplateError)
    return { kind: 'template', text: error.message, ...(error.path === undefined ? {} : { path: error.path }) };
  return { kind: 'bug', text: error instanceof Error ? (error.stack ?? error.message) : 'no error' };
}

export const fromReply = (reply: StepReply): StepOutcome =>
  'thrown' in reply ? { used: reply.used, thrown: fromThrown(reply.thrown) } : (reply as StepOutcome);

function fromThrown(thrown: Thrown): Error {
  switch (thrown.kind) {
    case 'template':
      return new TemplateError(thrown.text, thrown.path);
    case 'need':
      return new NeedsRuntime(thrown.need);
    case 'notBuilt':
      return new NotBuiltInTemplates(thrown.text);
    case 'bug':
      return new Error(`A template could not be evaluated: ${thrown.text}`);
  }
}

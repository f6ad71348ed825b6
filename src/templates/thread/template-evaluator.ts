import type { Json, JsonObject } from '../../base/json.ts';
import type { Step, StepOutcome, StepResults, TemplateSeed } from '../evaluation.ts';
import { TemplateEvaluation } from '../evaluation.ts';
import type { EvaluationWork } from '../expressions/facts.ts';
import type { KnownBody, OutputValue, PlannedResource, PlannedTemplate } from '../plan.ts';
import type { EvaluationThreadOptions } from './evaluation-thread.ts';
import { EvaluationEnded, EvaluationThread } from './evaluation-thread.ts';

/** What is done on the thread that answers before others have a turn: some ten or twenty milliseconds of the machine. */
const unitsInPlace = 10_000;

/** Evaluates templates without holding up whoever answers. Nearly all are little work, and are evaluated at once; a step that would be more
 * than a moment begins anew on a thread of its own, where it can be ended. */
export class TemplateEvaluator {
  readonly #thread: EvaluationThread;
  #lastId = 0;
  #units = 0;
  /** While others have their turn. */
  #pause: Promise<void> | undefined;

  constructor(options: EvaluationThreadOptions) {
    this.#thread = new EvaluationThread(options);
  }

  /** @param work shared with whatever else belongs to the same request
   * @param signal ends it when nobody waits for it any more
   * @throws TemplateError, NotBuiltInTemplates, EvaluationEnded, TooManyEvaluations */
  async plan(
    seed: TemplateSeed,
    work: EvaluationWork,
    signal?: AbortSignal,
  ): Promise<{ readonly template: EvaluatedTemplate; readonly known: ReadonlyMap<number, KnownBody> }> {
    this.#lastId += 1;
    const held = { id: this.#lastId, seed, answers: [], work, evaluation: new TemplateEvaluation(seed) };
    const run: RunStep = (step, given) => this.#run(held, step, given);
    const { planned, known } = await run({ kind: 'plan' }, signal);
    return { template: new EvaluatedTemplate(held, planned, run), known };
  }

  /** What is under way ends with `EvaluationEnded`. */
  close(): void {
    this.#thread.close();
  }

  async #run<Kind extends Step['kind']>(
    held: Held,
    step: StepOf<Kind>,
    signal: AbortSignal | undefined,
  ): Promise<StepResults[Kind]> {
    if (held.evaluation !== undefined) {
      while (this.#pause !== undefined) await this.#pause;
      if (signal?.aborted === true) throw new EvaluationEnded();
      const before = held.work.left;
      const outcome = held.evaluation.run(step, Math.min(unitsInPlace, before));
      this.#count(outcome.used);
      if (outcome.used <= unitsInPlace || before <= unitsInPlace) return settled(held, outcome) as StepResults[Kind];
      held.evaluation = undefined;
    }
    const outcome = await this.#thread.run(held, step, held.work.left, signal);
    return settled(held, outcome) as StepResults[Kind];
  }

  /** One that waits goes on at a time: each would take its turn right after the other otherwise. */
  #count(used: number): void {
    this.#units += Math.min(used, unitsInPlace) + 1;
    if (this.#units < unitsInPlace) return;
    this.#units = 0;
    this.#pause = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#pause = undefined;
    });
  }
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

type RunStep = <Kind extends Step['kind']>(
  step: StepOf<Kind>,
  signal: AbortSignal | undefined,
) => Promise<StepResults[Kind]>;

interface Held {
  readonly id: number;
  readonly seed: TemplateSeed;
  readonly answers: (readonly [string, Json])[];
  readonly work: EvaluationWork;
  /** As long as it is evaluated in place. */
  evaluation: TemplateEvaluation | undefined;
}

function settled(held: Held, outcome: StepOutcome): StepResults[Step['kind']] {
  held.work.left -= outcome.used;
  if ('thrown' in outcome) throw outcome.thrown;
  return outcome.result;
}

/** A template that is planned: what is known of it, and what can be evaluated once the running service has been asked. */
export class EvaluatedTemplate implements PlannedTemplate {
  readonly parameters: PlannedTemplate['parameters'];
  readonly resources: PlannedTemplate['resources'];
  readonly dependencies: PlannedTemplate['dependencies'];
  readonly #held: Held;
  readonly #run: RunStep;

  constructor(held: Held, { parameters, resources, dependencies }: PlannedTemplate, run: RunStep) {
    this.parameters = parameters;
    this.resources = resources;
    this.dependencies = dependencies;
    this.#held = held;
    this.#run = run;
  }

  /** What is left of the work that it may take, with all that belongs to the same request. */
  get work(): EvaluationWork {
    return this.#held.work;
  }

  /** What the running service says to a `NeedsRuntime`; what threw it can be asked for again then. */
  answer(key: string, value: Json): void {
    this.#held.answers.push([key, value]);
    this.#held.evaluation?.answer(key, value);
  }

  /** The body of the request that makes a resource.
   * @throws NeedsRuntime as long as something has to be asked first; else as `plan` does */
  body({ at }: PlannedResource, signal: AbortSignal): Promise<JsonObject> {
    return this.#run({ kind: 'body', at }, signal);
  }

  /** @throws the same */
  outputs(signal: AbortSignal): Promise<readonly OutputValue[]> {
    return this.#run({ kind: 'outputs' }, signal);
  }
}

import { createHash } from 'node:crypto';
import { invariant } from '../base/invariant.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { EvaluationFacts, EvaluationWork } from './expressions/facts.ts';
import { evaluationMax } from './expressions/facts.ts';
import type {
  GivenFacts,
  KnownBody,
  OutputValue,
  Plan,
  PlannedResource,
  PlannedTemplate,
  ScopedResource,
} from './plan.ts';
import { bodyOf, knownBodiesOf, outputsOf, planTemplate } from './plan.ts';
import { readTemplate } from './template.ts';

/** All that the evaluation of a template follows from: the same seed gives the same values, wherever and however often. */
export interface TemplateSeed {
  readonly template: JsonObject;
  readonly parameters: JsonObject;
  readonly facts: SeedFacts;
}

type ResourceTypes = ReturnType<EvaluationFacts['resourceTypes']>;

export interface SeedFacts extends Omit<GivenFacts, 'work' | 'randomBytes' | 'resourceTypes' | 'answered'> {
  /** 32 bytes from which each `newGuid()` follows. */
  readonly random: Uint8Array;
  /** By namespace in lower case. */
  readonly resourceTypes: Readonly<Record<string, ResourceTypes>>;
}

export interface StepResults {
  readonly plan: { readonly planned: PlannedTemplate; readonly known: ReadonlyMap<number, KnownBody> };
  readonly body: JsonObject;
  readonly outputs: readonly OutputValue[];
}

export type Step =
  | { readonly kind: 'plan' }
  /** Of the request that makes the resource at this position. */
  | { readonly kind: 'body'; readonly at: number }
  | { readonly kind: 'outputs' };

export type StepOutcome = {
  /** Work that it took: more than it was given when that was not enough. */
  readonly used: number;
} & ({ readonly result: StepResults[Step['kind']] } | { readonly thrown: unknown });

/** One template being evaluated, step by step, on whichever thread. */
export class TemplateEvaluation {
  readonly #seed: TemplateSeed;
  readonly #facts: GivenFacts;
  readonly #work: EvaluationWork = { left: 0 };
  readonly #answers = new Map<string, { readonly value: Json }>();
  #plan: Plan | undefined;

  constructor(seed: TemplateSeed) {
    this.#seed = seed;
    const { random, resourceTypes, ...facts } = seed.facts;
    this.#facts = {
      ...facts,
      work: this.#work,
      randomBytes: bytesFrom(random),
      resourceTypes: (namespace) =>
        Object.hasOwn(resourceTypes, namespace.toLowerCase()) ? (resourceTypes[namespace.toLowerCase()] ?? []) : [],
      answered: ({ key }) => this.#answers.get(key),
    };
  }

  /** What the running service has said to a `NeedsRuntime`: the step that threw it is taken again. */
  answer(key: string, value: Json): void {
    this.#answers.set(key, { value });
  }

  /** @param work how much it may take */
  run(step: Step, work: number): StepOutcome {
    try {
      // Where it is planned anew, it was planned before within what it may take.
      if (step.kind !== 'plan') this.#planned(evaluationMax);
      this.#work.left = work;
      const result = this.#take(step, work);
      return { used: work - this.#work.left, result };
    } catch (thrown) {
      return { used: work - this.#work.left, thrown };
    }
  }

  #take(step: Step, work: number): StepResults[Step['kind']] {
    const plan = this.#planned(work);
    if (step.kind === 'plan') {
      const { parameters, resources, dependencies } = plan;
      const data = resources.map(withoutScope);
      return { planned: { parameters, resources: data, dependencies }, known: knownBodiesOf(plan) };
    }
    if (step.kind === 'outputs') return outputsOf(plan);
    const resource = plan.resources[step.at];
    invariant(resource !== undefined, 'a body is one of a resource that is planned');
    return bodyOf(resource);
  }

  #planned(work: number): Plan {
    if (this.#plan !== undefined) return this.#plan;
    this.#work.left = work;
    const { template, parameters } = this.#seed;
    return (this.#plan = planTemplate(readTemplate(template), parameters, this.#facts));
  }
}

/** What can go to another thread. */
function withoutScope(resource: ScopedResource): PlannedResource {
  const { id, name, type, apiVersion, symbol, loop, isDeployed, isExisting, json, path, at } = resource;
  return { id, name, type, apiVersion, symbol, loop, isDeployed, isExisting, json, path, at };
}

/** Always the same bytes after the same seed. */
function bytesFrom(seed: Uint8Array): EvaluationFacts['randomBytes'] {
  let drawn = 0;
  return (length) => {
    invariant(length <= 32, 'a GUID has 16 bytes');
    drawn += 1;
    return createHash('sha256').update(seed).update(String(drawn)).digest().subarray(0, length);
  };
}

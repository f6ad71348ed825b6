import { afterEach, describe, expect, it } from 'vitest';
import { builtScripts } from '../../../tests/support/built.ts';
import type { JsonObject } from '../../base/json.ts';
import type { TemplateSeed } from '../evaluation.ts';
import { evaluationMax } from '../expressions/facts.ts';
import { NeedsRuntime, TemplateError } from '../expressions/template-error.ts';
import { exampleFacts } from '../functions/example.fixture.ts';
import type { After } from './evaluation-thread.ts';
import { EvaluationEnded, EvaluationThread, TooManyEvaluations } from './evaluation-thread.ts';
import type { EvaluatedTemplate } from './template-evaluator.ts';
import { TemplateEvaluator } from './template-evaluator.ts';

const never: After = () => () => undefined;
const open: TemplateEvaluator[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function evaluator(options: { readonly heapMiB?: number; readonly after?: After } = {}): TemplateEvaluator {
  const one = new TemplateEvaluator({ script: builtScripts.templateThread, after: never, ...options });
  open.push(one);
  return one;
}

const seedOf = (parts: JsonObject, parameters: JsonObject = {}): TemplateSeed => {
  const { scope, tenant, deployment, deployer, now } = exampleFacts;
  return {
    template: { $schema: 's', contentVersion: '1.0.0.0', resources: [], ...parts },
    parameters,
    facts: { ...{ scope, tenant, deployment, deployer, now }, random: new Uint8Array(32).fill(7), resourceTypes: {} },
  };
};
const withTag = (tag: string, more: JsonObject = {}, parameters: JsonObject = {}): TemplateSeed =>
  seedOf({ resources: [{ type: 'a.b/c', apiVersion: '1', name: 'n', tags: { tag } }], ...more }, parameters);
const planned = (of: TemplateEvaluator, seed: TemplateSeed, signal?: AbortSignal) =>
  of.plan(seed, { left: evaluationMax }, signal);
const outputs = async (template: EvaluatedTemplate): Promise<unknown> =>
  (await template.outputs(new AbortController().signal)).map(({ value }) => value);

const nested = (outer: number, inner: number): string =>
  `length(map(range(0, ${outer}), lambda('a', length(map(range(0, ${inner}), lambda('b', lambdaVariables('a')))))))`;
const copies = (input: JsonObject | string): JsonObject => ({ copy: [{ name: 'c', count: 800, input }] });
const text = `[${Array.from({ length: 60_000 }, () => '{"a":[]}').join(',')}]`;
const objects = (count: number, from = 0): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`v${from + at}`, "[json(parameters('p'))]"]));
const lengths = (count: number): string =>
  `[string(add(${Array.from({ length: count - 1 }, (_, at) => `length(variables('v${at}')), add(`).join('')}0, length(variables('v${count - 1}'))${')'.repeat(count - 1)}))]`;
const parameterP = { parameters: { p: { type: 'string' } } };

/** Each is allowed, as far as it goes, and takes seconds. */
const hostile: Readonly<Record<string, TemplateSeed>> = {
  'lambdas in lambdas': withTag(`[string(${nested(1000, 300)})]`),
  'loops in loops': seedOf({
    resources: [{ type: 'a.b/c', apiVersion: '1', name: 'n', properties: copies(copies('[add(1, 2)]')) }],
  }),
  'JSON of half a megabyte, twenty times': withTag(
    lengths(20),
    { ...parameterP, variables: objects(20) },
    { p: { value: text } },
  ),
};

describe('a template that is much work', () => {
  it.each(Object.entries(hostile))('%s: leaves the thread to others, who are done before it', async (_what, seed) => {
    const templates = evaluator();
    const order: string[] = [];
    const much = planned(templates, seed).then(
      () => order.push('much'),
      (error: unknown) => order.push(error instanceof TemplateError ? 'much' : String(error)),
    );
    let turns = 0;
    for (; turns < 20; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await planned(templates, withTag('little')).then(() => order.push('little'));
    }
    await much;
    expect(order).toEqual([...Array.from({ length: 20 }, () => 'little'), 'much']);
  });

  it('says what it would have said in place', async () => {
    const templates = evaluator();
    const { known } = await planned(templates, withTag(`[string(${nested(200, 200)})]`));
    expect(known.get(0)?.body).toEqual({ tags: { tag: '200' } });
    const tooMuch = planned(templates, withTag(`[string(${nested(2000, 2000)})]`));
    await expect(tooMuch).rejects.toThrow('more than 1000000 evaluations');
    const located = planned(templates, withTag(`[string(add(${nested(200, 200)}, parameters('none')))]`));
    await expect(located).rejects.toMatchObject({ name: 'TemplateError', path: ['resources', 0] });
  });

  it('has the same new GUIDs on both threads, and asks the running service from either', async () => {
    const seed = seedOf({
      parameters: { id: { type: 'string', defaultValue: '[newGuid()]' } },
      resources: [],
      outputs: {
        o: {
          type: 'array',
          value: `[createArray(parameters('id'), ${nested(200, 200)}, reference('/a/b', '1').c, reference('/d/e', '1').c)]`,
        },
      },
    });
    const { template } = await planned(evaluator(), seed);
    for (const [id, value] of [
      ['/a/b', 1],
      ['/d/e', 2],
    ] as const) {
      const need = await outputs(template).catch((error: unknown) => error);
      expect(need).toBeInstanceOf(NeedsRuntime);
      expect((need as NeedsRuntime).need.id).toBe(id);
      template.answer((need as NeedsRuntime).need.key, { c: value });
    }
    const id = template.parameters.get('id')?.value;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await outputs(template)).toEqual([[id, 200, 1, 2]]);
  });

  it('is planned anew when the thread has had others meanwhile', async () => {
    const templates = evaluator();
    const seed = seedOf({ outputs: { o: { type: 'int', value: `[${nested(200, 200)}]` } } });
    const { template } = await planned(templates, seed);
    expect(await outputs(template)).toEqual([200]);
    for (let others = 0; others < 5; others += 1) await planned(templates, withTag(`[string(${nested(200, 200)})]`));
    expect(await outputs(template)).toEqual([200]);
  });
});

describe('many templates that are little work', () => {
  it('let others have a turn between them', async () => {
    const templates = evaluator();
    const state = { done: false, turns: 0 };
    // Some 3,000 units each.
    const one = withTag(`[string(${nested(30, 30)})]`);
    const all = Promise.all(Array.from({ length: 100 }, () => planned(templates, one))).then(() => (state.done = true));
    while (!state.done) {
      await new Promise((resolve) => setImmediate(resolve));
      state.turns += 1;
    }
    await all;
    expect(state.turns).toBeGreaterThan(10);
  });
});

describe('an evaluation that nobody waits for any more', () => {
  const endless = withTag(`[string(${nested(1000, 300)})]`);

  it('ends, whether it is under way or waits, and others go on', async () => {
    const templates = evaluator();
    const [first, second] = [new AbortController(), new AbortController()];
    const underway = planned(templates, endless, first.signal);
    const waiting = planned(templates, endless, second.signal);
    const other = planned(templates, withTag(`[string(${nested(200, 200)})]`));
    await new Promise((resolve) => setImmediate(resolve));
    second.abort();
    await expect(waiting).rejects.toBeInstanceOf(EvaluationEnded);
    first.abort();
    await expect(underway).rejects.toBeInstanceOf(EvaluationEnded);
    expect((await other).known.size).toBe(1);
    await expect(planned(templates, endless, first.signal)).rejects.toBeInstanceOf(EvaluationEnded);
  });

  it('ends when Kustody does', async () => {
    const templates = evaluator();
    const both = [planned(templates, endless), planned(templates, endless)];
    await new Promise((resolve) => setImmediate(resolve));
    templates.close();
    for (const one of both) await expect(one).rejects.toBeInstanceOf(EvaluationEnded);
    await expect(planned(templates, endless)).rejects.toBeInstanceOf(EvaluationEnded);
    expect((await planned(templates, withTag('little'))).known.size).toBe(1);
  });

  it('has no place when too many wait', async () => {
    const thread = new EvaluationThread({ script: builtScripts.templateThread, after: never });
    const run = (id: number) =>
      thread.run({ id, seed: endless, answers: [] }, { kind: 'plan' }, evaluationMax, undefined);
    // One is under way, a hundred wait.
    const begun = Promise.allSettled(Array.from({ length: 101 }, (_, at) => run(at)));
    await expect(run(101)).rejects.toBeInstanceOf(TooManyEvaluations);
    thread.close();
    expect((await begun).every((one) => one.status === 'rejected')).toBe(true);
  });
});

describe('the bounds of the thread', () => {
  it('what needs more memory than there is is refused, and a template that it had before goes on', async () => {
    const templates = evaluator({ heapMiB: 48 });
    const before = await planned(
      templates,
      withTag(`[string(${nested(200, 200)})]`, { outputs: { o: { type: 'int', value: `[${nested(200, 200)}]` } } }),
    );
    const large = withTag(lengths(20), { ...parameterP, variables: objects(20) }, { p: { value: text } });
    await expect(planned(templates, large)).rejects.toThrow('The evaluation of the template needs too much memory.');
    expect(await outputs(before.template)).toEqual([200]);
  });

  it('what takes too long is refused', async () => {
    const timers: (() => void)[] = [];
    const after: After = (_, run) => {
      timers.push(run);
      return () => timers.splice(timers.indexOf(run), 1);
    };
    const templates = evaluator({ after });
    const slow = planned(templates, withTag(`[string(${nested(1000, 300)})]`));
    while (timers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    timers[0]?.();
    await expect(slow).rejects.toThrow('The evaluation of the template takes too long.');
  });

  it('values of all resources together are no larger than a template', async () => {
    const parts = {
      parameters: { p: { type: 'string' } },
      resources: [
        {
          ...{ type: 'a.b/c', apiVersion: '1', name: "[concat('n', copyIndex())]" },
          copy: { name: 'l', count: 10 },
          tags: { tag: "[parameters('p')]" },
        },
      ],
    } as JsonObject;
    const small = await planned(evaluator(), seedOf(parts, { p: { value: 'x'.repeat(400_000) } }));
    expect(small.known.size).toBe(10);
    const large = planned(evaluator(), seedOf(parts, { p: { value: 'x'.repeat(420_000) } }));
    await expect(large).rejects.toThrow('The resources of the template are together larger than 4194304 characters.');
  });
});

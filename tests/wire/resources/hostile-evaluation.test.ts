import { request } from 'node:https';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { until } from '../../support/until.ts';
import { deploymentTemplates } from '../../../src/providers/resources/deployments/deployment-record.ts';
import { EvaluationEnded } from '../../../src/templates/thread/evaluation-thread.ts';
import { EvaluatedTemplate, TemplateEvaluator } from '../../../src/templates/thread/template-evaluator.ts';
import type { Part } from './deployments.fixture.ts';
import { bodyOf, identity, useDeployments } from './deployments.fixture.ts';

const nested = (outer: number, inner: number): string =>
  `[string(length(map(range(0, ${outer}), lambda('a', length(map(range(0, ${inner}), lambda('b', lambdaVariables('a'))))))))]`;
const much = (name: string): Part => identity(name, { tags: { t: nested(1000, 300) } });

describe('templates that take seconds', () => {
  const fixture = useDeployments();
  const { path } = fixture;
  let arm: ArmFixture;
  beforeAll(() => {
    arm = fixture.arm;
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const group = () => `/subscriptions/${arm.subscriptionId}/resourceGroups/rg?api-version=2021-04-01`;

  it.each(['/validate', '/whatIf'])('%s: others are answered meanwhile', async (verb) => {
    const order: string[] = [];
    const slow = arm
      .send('POST', path('slow', verb), { body: bodyOf({ resources: [much('slow')] }) })
      .then((answer) => {
        order.push('slow');
        return answer;
      });
    const plans = vi.spyOn(TemplateEvaluator.prototype, 'plan');
    await until(() => plans.mock.results.length > 0);
    void Promise.resolve(plans.mock.results[0]?.value).then(() => order.push('planned'));
    expect((await arm.send('GET', group())).status).toBe(200);
    order.push('quick');
    const answer = await slow;
    expect(answer.status, answer.text).toBeLessThan(300);
    expect(order).toEqual(['quick', 'planned', 'slow']);
  });

  it('end when their client is gone', async () => {
    const plans = vi.spyOn(TemplateEvaluator.prototype, 'plan');
    const url = new URL(path('gone', '/validate'), arm.endpoint);
    const sent = request(url, {
      ...{ method: 'POST', ca: arm.caPem, agent: false },
      headers: { authorization: `Bearer ${arm.owner.objectId}`, 'content-type': 'application/json' },
    });
    sent.on('error', () => undefined);
    sent.end(JSON.stringify(bodyOf({ resources: [much('gone')] })));
    await until(() => plans.mock.results.length > 0);
    sent.destroy();
    await expect(plans.mock.results[0]?.value).rejects.toBeInstanceOf(EvaluationEnded);
  });

  it('end when their deployment is cancelled, which is what is said of it', async () => {
    const outputs = vi.spyOn(EvaluatedTemplate.prototype, 'outputs');
    const value = nested(2000, 900);
    const first = await arm.send('PUT', path('cut'), { body: bodyOf({ outputs: { o: { type: 'string', value } } }) });
    expect(first.status, first.text).toBe(201);
    await until(() => outputs.mock.results.length > 0);
    expect((await arm.send('POST', path('cut', '/cancel'))).status).toBe(204);
    await expect(outputs.mock.results[0]?.value).rejects.toBeInstanceOf(EvaluationEnded);
    await arm.deployments.quiet();
    const { body } = await arm.send('GET', path('cut'));
    expect(body).toMatchObject({
      properties: { provisioningState: 'Canceled', error: { code: 'DeploymentCanceled' } },
    });
  });

  it('whose resources are larger together than a template may be are no template', async () => {
    const tags = { t: "[parameters('p')]" };
    const copied = identity("[concat('n', copyIndex())]", { tags, copy: { name: 'l', count: 10 } });
    const parameters = { p: { type: 'string' } };
    const body = bodyOf({ parameters, resources: [copied] }, { p: { value: 'x'.repeat(450_000) } });
    const answer = await arm.send('POST', path('large', '/validate'), { body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'InvalidTemplate' } } });
    expect(answer.text).toContain('together larger than 4194304 characters');
  });

  it('whose parameters are larger together than a template may be are none either', async () => {
    const copies = Array.from({ length: 30 }, (_, at): [string, Part] => [
      `q${at}`,
      { type: 'string', defaultValue: "[parameters('p')]" },
    ]);
    const parameters = { p: { type: 'string' }, ...Object.fromEntries(copies) };
    const body = bodyOf({ parameters }, { p: { value: 'x'.repeat(1_000_000) } });
    const answer = await arm.send('PUT', path('copies'), { body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'InvalidTemplate' } } });
    expect(answer.text).toContain('parameters of the template are together larger than 4194304 characters');
  });

  it('with more dependencies than are kept of a deployment are refused, whatever is asked about them', async () => {
    const all = identity("[concat('a', copyIndex())]", { copy: { name: 'all', count: 400 } });
    const each = identity("[concat('b', copyIndex())]", { copy: { name: 'each', count: 400 }, dependsOn: ['all'] });
    const refused = { status: 400, body: { error: { code: 'DeploymentJobSizeExceeded' } } };
    for (const [method, verb] of [
      ['PUT', ''],
      ['POST', '/validate'],
      ['POST', '/whatIf'],
    ] as const)
      expect(await arm.send(method, path('every', verb), { body: bodyOf({ resources: [all, each] }) })).toMatchObject(
        refused,
      );
    const few = identity("[concat('b', copyIndex())]", { copy: { name: 'each', count: 20 }, dependsOn: ['all'] });
    const answer = await arm.send('POST', path('some', '/validate'), { body: bodyOf({ resources: [all, few] }) });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ properties: { dependencies: { length: 20 } } });
  });

  it('whose numbers or characters JSON writes longer are measured as JSON writes them', async () => {
    const numbers = `[${'1e20,'.repeat(600_000)}1]`;
    const body = JSON.stringify(bodyOf({ metadata: { numbers: [] } })).replace('"numbers":[]', `"numbers":${numbers}`);
    const refused = { status: 400, body: { error: { code: 'DeploymentJobSizeExceeded' } } };
    expect(await arm.send('PUT', path('numbers'), { body })).toMatchObject(refused);

    const value = "[concat(parameters('p'), parameters('p'), parameters('p'))]";
    const outputs = { o: { type: 'string', value } };
    const control = { p: { value: '\u0001'.repeat(600_000) } };
    const first = await arm.send('PUT', path('control'), {
      body: bodyOf({ parameters: { p: { type: 'string' } }, outputs }, control),
    });
    expect(first.status, first.text).toBe(201);
    await arm.deployments.quiet();
    const { body: last } = await arm.send('GET', path('control'));
    expect(last).toMatchObject({
      properties: { provisioningState: 'Failed', error: { code: 'DeploymentOutputEvaluationFailed' } },
    });
  });

  it('let others have a turn between what takes long with a large one', async () => {
    const order: string[] = [];
    const original = Object.getOwnPropertyDescriptor(TemplateEvaluator.prototype, 'plan')
      ?.value as TemplateEvaluator['plan'];
    vi.spyOn(TemplateEvaluator.prototype, 'plan').mockImplementation(function (this: TemplateEvaluator, ...given) {
      setImmediate(() => order.push('others'));
      return original.apply(this, given);
    });
    const commit = arm.state.commit.bind(arm.state);
    vi.spyOn(arm.state, 'commit').mockImplementation((change) => {
      if (change.write.some(({ table }) => table.name === deploymentTemplates.name)) order.push('committed');
      return commit(change);
    });
    expect((await arm.send('PUT', path('turns'), { body: bodyOf({}) })).status).toBe(201);
    expect(order).toEqual(['others', 'committed']);
    await arm.deployments.quiet();
  });
});

import { describe, expect, it } from 'vitest';
import { incompressibleText } from '../../support/incompressible.ts';
import { bodyOf, identity, template, useDeployments } from './deployments.fixture.ts';

describe('a deployment of which more than 1 MB would be kept, compressed', () => {
  const fixture = useDeployments();
  const tooLarge = { status: 400, body: { error: { code: 'DeploymentJobSizeExceeded' } } };
  const ways = [
    ['PUT', ''],
    ['POST', '/validate'],
    ['POST', '/whatIf'],
  ] as const;

  it.each(ways)('is refused because of its parameters: %s %s', async (method, verb) => {
    const sent = (bytes: number) =>
      fixture.arm.send(method, fixture.path('parameters', verb), {
        body: bodyOf(
          { parameters: { p: { type: 'secureString' } } },
          { p: { value: incompressibleText(bytes * 2 ** 20) } },
        ),
      });
    expect(await sent(1.01)).toMatchObject(tooLarge);
    expect((await sent(0.99)).status).toBeLessThan(300);
    await fixture.arm.deployments.quiet();
  });

  it('is refused because of its resources, with their loops', async () => {
    const parameters = { p: { type: 'string' } };
    const tags = { t: "[parameters('p')]" };
    const sent = (count: number) => {
      const resource = identity("[concat('n', copyIndex())]", { tags, copy: { name: 'l', count } });
      const value = incompressibleText(100_000);
      const body = bodyOf({ parameters, resources: [resource] }, { p: { value } });
      return fixture.arm.send('POST', fixture.path('loop', '/validate'), { body });
    };
    expect((await sent(9)).status).toBe(200);
    expect(await sent(10)).toMatchObject(tooLarge);
  });

  it('is refused because of templates nested in it, without all of them being written', async () => {
    const sent = (count: number) => {
      const inner = {
        type: 'Microsoft.Resources/deployments',
        apiVersion: '2022-09-01',
        name: "[concat('d', copyIndex())]",
        copy: { name: 'l', count },
        properties: {
          mode: 'Incremental',
          expressionEvaluationOptions: { scope: 'inner' },
          template: template({ metadata: { text: 'x'.repeat(1_000_000) } }),
        },
      };
      return fixture.arm.send('POST', fixture.path('nested', '/validate'), { body: bodyOf({ resources: [inner] }) });
    };
    expect((await sent(3)).status).toBe(200);
    expect(await sent(800)).toMatchObject(tooLarge);
  });
});

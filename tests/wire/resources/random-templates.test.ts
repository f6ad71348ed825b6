import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawAnswer } from '../../support/arm-fixture.ts';
import { randomDeployment, secretText } from '../../support/random-templates.ts';
import { useDeployments } from './deployments.fixture.ts';

const templates = Number(process.env['KUSTODY_TEMPLATES'] ?? 20);

describe('random templates, large or growing or near a limit', () => {
  const fixture = useDeployments();
  const { path } = fixture;
  const ways = [
    ['POST', '/validate'],
    ['POST', '/whatIf'],
    ['PUT', ''],
  ] as const;

  /** @throws what is wrong with an answer */
  function judge({ status, text, body }: RawAnswer): void {
    expect(text).not.toContain(secretText);
    if (status < 400) return;
    const { error } = body as { error?: { code?: unknown; message?: unknown } };
    expect({ code: typeof error?.code, message: typeof error?.message }).toEqual({ code: 'string', message: 'string' });
    if (status >= 500) expect([status, error?.code]).toEqual([501, 'NotImplemented']);
  }

  it('are deployed or refused by name, and nothing of a secure value is shown', async () => {
    await fc.assert(
      fc.asyncProperty(randomDeployment, fc.constantFrom(...ways), async (body, [method, verb]) => {
        judge(await fixture.arm.send(method, path('random', verb), { body }));
        if (verb !== '') return;
        await fixture.arm.deployments.quiet();
        const ended = await fixture.arm.send('GET', path('random'));
        judge(ended);
        if (ended.status === 404) return; // it was refused
        expect(ended.text).toMatch(/"provisioningState": ?"(Succeeded|Failed)"/);
        expect(ended.text).not.toContain('InternalServerError');
        judge(await fixture.arm.send('GET', path('random', '/operations')));
      }),
      { numRuns: templates, endOnFailure: true },
    );
    expect(fixture.arm.deploymentErrors).toEqual([]);
    expect((await fixture.arm.send('GET', path('none'))).status).toBe(404);
  }, 1_200_000);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VaultObservation } from './outcome-table.ts';
import { classifyOutcome } from './outcome-table.ts';

const answer = (status: number, inner?: string): VaultObservation => ({
  seen: 'answer',
  status,
  ...(inner === undefined ? {} : { inner }),
});

describe('classifyOutcome', () => {
  it.each<[VaultObservation, string, string]>([
    [{ seen: 'noSuchHost', host: 'x.vault.azure.net' }, 'refusal', 'noSuchHost'],
    [{ seen: 'noToken', reason: 'gone' }, 'refusal', 'noIdentity'],
    [answer(401), 'refusal', 'unauthorized'],
    [answer(403), 'refusal', 'forbidden'],
    [answer(403, 'ForbiddenByPolicy'), 'refusal', 'forbiddenByPolicy'],
    [answer(403, 'AccessDenied'), 'refusal', 'forbiddenByPolicy'],
    [answer(403, 'ForbiddenByRbac'), 'refusal', 'forbiddenByRbac'],
    [answer(403, 'ForbiddenByFirewall'), 'refusal', 'forbiddenByFirewall'],
    [answer(403, 'KeyDisabled'), 'refusal', 'keyDisabled'],
    [answer(403, 'KeyOperationForbidden'), 'refusal', 'keyOperationForbidden'],
    [answer(403, 'SomethingNew'), 'refusal', 'forbidden'],
    [answer(404), 'refusal', 'keyNotFound'],
    [answer(400), 'integrity', 'badRequest'],
    [answer(429), 'outage', 'throttled'],
    [answer(500), 'outage', 'serverError'],
    [answer(599), 'outage', 'serverError'],
    [answer(409), 'outage', 'unknown'],
    [answer(302), 'outage', 'unknown'],
    [{ seen: 'timeout' }, 'outage', 'timeout'],
    [{ seen: 'unreachable', message: 'ECONNREFUSED' }, 'outage', 'unreachable'],
    [{ seen: 'wrongLength', message: '31' }, 'integrity', 'wrongLength'],
    [{ seen: 'mismatch', message: 'other' }, 'integrity', 'mismatch'],
    [{ seen: 'other', message: 'what' }, 'outage', 'unknown'],
  ])('%o is %s, %s', (observation, kind, cause) => {
    expect(classifyOutcome(observation)).toMatchObject({ outcome: 'failed', kind, cause });
  });

  it('takes nothing but 401, 403 and 404 for a refusal, whatever the codes say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), fc.string(), (status, inner) => {
        const { kind } = classifyOutcome(answer(status, inner));
        expect(kind === 'refusal').toBe([401, 403, 404].includes(status));
      }),
    );
  });

  it('keeps messages short', () => {
    expect(classifyOutcome({ seen: 'other', message: 'x'.repeat(5000) }).message).toHaveLength(1000);
  });
});

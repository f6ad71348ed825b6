import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../base/json.ts';
import { isSame, readSettings, settingOf, shownSettings } from './cluster-settings.ts';

const flags = ['enableDiskEncryption', 'enableStreamingIngest', 'enablePurge', 'enableAutoStop'] as const;
const flagsRecord = fc.record(Object.fromEntries(flags.map((name) => [name, fc.option(fc.boolean(), { nil: null })])), {
  requiredKeys: [],
});
const others = fc.record(
  {
    publicNetworkAccess: fc.constantFrom('Enabled', 'Disabled', null),
    publicIPType: fc.constantFrom('IPv4', 'DualStack'),
    allowedIpRangeList: fc.option(fc.array(fc.constantFrom('10.0.0.0/8', '1.2.3.4')), { nil: null }),
    trustedExternalTenants: fc.array(fc.record({ value: fc.constantFrom('*', 'a') })),
    optimizedAutoscale: fc.option(
      fc.record({
        version: fc.constant(1),
        isEnabled: fc.boolean(),
        minimum: fc.integer({ min: 2, max: 9 }),
        maximum: fc.integer({ min: 9, max: 20 }),
      }),
      { nil: null },
    ),
    unknownToKustody: fc.string(),
    engineType: fc.constant('V3'),
    enableDoubleEncryption: fc.constantFrom(false, null),
  },
  { requiredKeys: [] },
);
const change: fc.Arbitrary<JsonObject> = fc
  .tuple(flagsRecord, others)
  .map(([left, right]): JsonObject => ({ ...left, ...right }));

describe('settings of a cluster', () => {
  it('a PATCH that is sent twice changes nothing the second time', () => {
    fc.assert(
      fc.property(change, change, (first, second) => {
        const held = readSettings(first, undefined, 'replace', 2);
        const once = readSettings(second, held, 'merge', 2);
        expect(readSettings(second, once, 'merge', 2)).toEqual(once);
      }),
    );
  });

  it('what a cluster shows can be sent back, by PUT and by PATCH, and changes nothing', () => {
    fc.assert(
      fc.property(change, (sent) => {
        const held = readSettings(sent, undefined, 'replace', 2);
        const shown = shownSettings(held, '2024-04-13');
        expect(readSettings(shown, held, 'merge', 2)).toEqual(held);
        expect(readSettings(shown, held, 'replace', 2)).toEqual(held);
      }),
    );
  });

  it('a PATCH touches only what it names', () => {
    fc.assert(
      fc.property(change, fc.constantFrom(...flags), fc.boolean(), (sent, name, value) => {
        const held = readSettings(sent, undefined, 'replace', 2);
        const next = readSettings({ [name]: value }, held, 'merge', 2);
        expect(isSame(settingOf(next, name), value)).toBe(true);
        for (const other of flags) if (other !== name) expect(settingOf(next, other)).toEqual(settingOf(held, other));
      }),
    );
  });

  it.each<[string, Json]>([
    ['enablePurge', 'yes'],
    ['publicNetworkAccess', 'Secured'],
    ['optimizedAutoscale', { version: 1 }],
    ['allowedIpRangeList', '10.0.0.0/8'],
    ['acceptedAudiences', [1]],
  ])('refuses %s = %j with BadRequest', (name, value) => {
    expect(() => readSettings({ [name]: value }, undefined, 'replace', 2)).toThrow(
      expect.objectContaining({ status: 400, code: 'BadRequest' }) as Error,
    );
  });

  it.each([true, false])('double encryption is settled when a cluster is made: %s', (sent) => {
    const held = readSettings({ enableDoubleEncryption: sent }, undefined, 'replace', 2);
    expect(shownSettings(held, '2024-04-13')).toMatchObject({ enableDoubleEncryption: sent });
    expect(readSettings({}, held, 'replace', 2)).toEqual(held);
    for (const mode of ['replace', 'merge'] as const) {
      expect(readSettings({ enableDoubleEncryption: sent }, held, mode, 2)).toEqual(held);
      expect(() => readSettings({ enableDoubleEncryption: !sent }, held, mode, 2)).toThrow(
        expect.objectContaining({ status: 400 }) as Error,
      );
    }
  });

  it.each<[string, Json]>([
    ['engineType', 'V2'],
    ['publicNetworkAccess', 'SecuredByPerimeter'],
    ['virtualNetworkConfiguration', { subnetId: 'a', enginePublicIpId: 'b', dataManagementPublicIpId: 'c' }],
  ])('refuses by name what it has not built: %s', (name, value) => {
    expect(() => readSettings({ [name]: value }, undefined, 'replace', 2)).toThrow(
      expect.objectContaining({ status: 501, code: 'NotImplemented' }) as Error,
    );
  });
});

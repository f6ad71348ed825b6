import { describe, expect, it } from 'vitest';
import { routeOptions } from './host-route.ts';

describe('a way to a vault or an authority', () => {
  it.each([
    ['outside, with public roots', {}, ['secureContext']],
    ['outside, through a proxy', { proxy: { host: '127.0.0.1', port: 3128 } }, ['secureContext']],
    ['outside, with roots of its own', { ca: 'PEM' }, ['ca']],
    ['of this instance', { address: '127.0.0.1', port: 8443, ca: 'PEM' }, ['ca']],
  ])('%s, names what it trusts: what NODE_EXTRA_CA_CERTS adds is for sources of data', (_which, route, names) => {
    const { rejectUnauthorized, ...options } = routeOptions(route);
    expect(rejectUnauthorized).toBe(true);
    const trust = Object.entries(options).filter(([name]) => ['ca', 'secureContext'].includes(name));
    expect(trust.map(([name, value]) => (value === undefined ? undefined : name))).toEqual(names);
  });
});

import { describe, expect, it } from 'vitest';
import { hostName } from '../../../tests/support/scripted-vault.ts';
import type { MintToken } from '../../authz/caller.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { HostMonotonicClock } from '../../clock/monotonic-clock.ts';
import { SystemClock } from '../../clock/system-clock.ts';
import { defaultLeaseSettings } from '../../encryption/lease.ts';
import type { State } from '../../state/state.ts';
import type { HostResolution } from './ports.ts';
import { createProcessServices } from './process-services.ts';

const noState: State = {
  get: () => Promise.reject(new Error('not used')),
  list: () => Promise.reject(new Error('not used')),
  commit: () => Promise.reject(new Error('not used')),
};
const identity = newGuid(systemRandomBytes);
const host = hostName('contoso.vault.azure.net');
const grant = { identity, host };
const audience = 'https://vault.azure.net';

function services(resolution: HostResolution = { where: 'ours' }) {
  const minted: string[] = [];
  const warnings: string[] = [];
  const mintToken: MintToken = (_objectId, wanted) => {
    minted.push(wanted);
    return Promise.resolve({ outcome: 'token', token: 'ours', expiresOn: 0 });
  };
  const quiet = (): void => undefined;
  const clock = new SystemClock({ onError: quiet });
  const serve = createProcessServices(
    {
      mintToken,
      resolveHost: () => Promise.resolve(resolution),
      log: { event: quiet, failure: quiet, warning: (name) => warnings.push(name) },
      ...{ state: noState, clock, monotonic: new HostMonotonicClock({ onError: quiet }) },
      settings: { ...defaultLeaseSettings, vaultTimeoutMs: 5000 },
    },
    undefined,
  );
  return { serve, minted, warnings };
}

describe('what a cluster process may ask', () => {
  it('a token for the identity, the host and the audience of the call in flight', async () => {
    const { serve, minted } = services();
    expect(await serve('token', { identity, host, audience }, [grant])).toMatchObject({ token: 'ours' });
    expect(minted).toEqual([audience]);
  });

  it.each([
    ['no call in flight', { identity, host, audience }, []],
    ['another identity', { identity: newGuid(systemRandomBytes), host, audience }, [grant]],
    ['another host', { identity, host: 'fabrikam.vault.azure.net', audience }, [grant]],
    ['the resource manager', { identity, host, audience: 'https://management.azure.com' }, [grant]],
    ['a top-level domain', { identity, host, audience: 'https://net' }, [grant]],
    ['the host itself', { identity, host, audience: `https://${host}` }, [grant]],
    ['another cluster', { identity, host, audience, clusterId: newGuid(systemRandomBytes) }, [grant]],
    ['a domain that ends alike', { identity, host, audience: 'https://t.azure.net' }, [grant]],
    ['user info', { identity, host, audience: 'https://x@vault.azure.net' }, [grant]],
    ['plain http', { identity, host, audience: 'http://vault.azure.net' }, [grant]],
  ])('no token for %s', async (_what, body, grants) => {
    const { serve, minted, warnings } = services();
    expect(await serve('token', body, grants)).toMatchObject({ outcome: 'refused' });
    expect(minted).toEqual([]);
    expect(warnings).toEqual(['cluster-process-overreach']);
  });

  it('whose a host is, for hosts of the call in flight', async () => {
    const { serve } = services();
    expect(await serve('resolve', { host }, [grant])).toEqual({ where: 'ours' });
    expect(await serve('resolve', { host }, [])).toEqual({ where: 'absent' });
  });

  it('tokens for an outside vault come from its own credential', async () => {
    const { serve, minted } = services({
      where: 'outside',
      route: {},
      mintToken: () => Promise.resolve({ outcome: 'token', token: 'theirs', expiresOn: 0 }),
    });
    expect(await serve('token', { identity, host, audience }, [grant])).toMatchObject({ token: 'theirs' });
    expect(minted).toEqual([]);
  });

  it.each([
    ['stateCommit', {}],
    ['token', {}],
    ['token', undefined],
    ['resolve', { host: 'x'.repeat(300) }],
    ['cacheUse', { hits: 1, misses: 0, readBytes: 1, evictedBytes: 0 }],
  ])('anything else is an error: %s', async (operation, body) => {
    await expect(services().serve(operation, body, [grant])).rejects.toThrow('nobody understands');
  });
});

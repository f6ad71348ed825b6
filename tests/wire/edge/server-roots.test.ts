import { createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listenUnready } from '../../../src/http/unready-listener.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { askDirectly, startEdge } from './edge-fixture.ts';

/** What reads all public roots for a context that names none: 40 ms of processor, once a process. */
const native = Object.getPrototypeOf(createSecureContext({ ca: [] }).context) as { addRootCerts(): void };

describe('servers, which ask for no certificate', () => {
  afterEach(() => vi.restoreAllMocks());

  it('read no public roots', async () => {
    const read = vi.spyOn(native, 'addRootCerts');
    const edge = await startEdge();
    const clock = { wallClock: () => Date.now(), randomBytes: systemRandomBytes };
    const listen = { host: '127.0.0.1', port: 0 };
    const unready = await listenUnready({ listen, code: 'Starting', reason: 'It starts.', ...clock });
    try {
      expect((await askDirectly(edge, 'management.azure.com')).status).toBe(200);
      expect(read).not.toHaveBeenCalled();
      createSecureContext();
      expect(read).toHaveBeenCalledOnce();
    } finally {
      await unready.close();
      await edge.close();
    }
  });
});

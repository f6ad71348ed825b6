import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kustody } from '../support/kustody-command.ts';

const root = join(import.meta.dirname, '..', '..');
const clients = join(root, '.cache', 'go-clients', 'clients');
const isBuilt = existsSync(clients);
if (!isBuilt) console.warn('Skipped: no Go clients (scripts/go-clients.sh builds them, where there is Go).');

/** What each program has to say at least: it ends with an error at the first check that does not hold, and says nothing of the rest. */
const said = {
  article: [
    'ClientCertificateCredential signs in',
    'azcertificates takes it back',
    'armkusto makes the cluster',
    'without a permission the key is refused: 400 IdentityDoesNotHaveAccessToKeyVault',
    'azkustoingest queues from a reader',
    'and queues what is too large',
    'no row is missing',
  ],
  'app-service': ['ManagedIdentityCredential is go-identity', "as the database's viewer counts three rows"],
  aks: ['WorkloadIdentityCredential is go-identity', "as the database's viewer counts three rows"],
};

it.skipIf(!isBuilt)(
  'the official Go clients do the article, and act as a managed identity',
  { timeout: 240_000 },
  async () => {
    const as = (form: string) =>
      `kustody run --data "$KUSTODY_DATA_DIR" --identity go-identity --identity-endpoint ${form}`;
    const script = `set -e
    '${clients}' article; echo '== app-service'
    ${as('app-service')} -- '${clients}' identity; echo '== aks'
    ${as('aks')} -- '${clients}' identity`;
    const { code, stdout, stderr } = await kustody(['run', '--', 'sh', '-c', script]);
    expect(code, stdout + stderr).toBe(0);
    const [article = '', appService = '', aks = ''] = stdout.split(/^== .*$/m);
    for (const [lines, wanted] of [
      [article, said.article],
      [appService, said['app-service']],
      [aks, said.aks],
    ] as const) {
      for (const line of wanted) expect(lines).toContain(line);
    }
  },
);

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kustody } from '../../support/kustody-command.ts';
import type { TokenIssuer } from '../../support/token-issuer.ts';
import { startTokenIssuer } from '../../support/token-issuer.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-roots-'));
const roots = join(directory, 'roots.pem');
/** A host whose certificate no public root has signed, as a company's are. */
let host: TokenIssuer;
beforeAll(async () => {
  host = await startTokenIssuer();
  writeFileSync(roots, host.caPem);
  host.answers.set('/rows.csv', (response) =>
    response.writeHead(200, { 'content-length': 14 }).end('1,one\n2,two\n  '),
  );
});
afterAll(async () => {
  await host.close();
  rmSync(directory, { recursive: true, force: true });
});

/** What `kustody` prints that is started with these certificates. */
async function asked(extraRoots: Readonly<Record<string, string>>): Promise<string> {
  const source = `"${host.issuer}/rows.csv"`;
  const texts = [
    '.create table T (a: long, b: string)',
    `externaldata(a: long, b: string)[${source}] | where b == "two" | project strcat("read ", a)`,
    `.ingest into table T (${source}) with (format="csv")`,
    'T | where b == "one" | project strcat("ingested ", a)',
  ];
  const script = texts.map((text) => `kustody query '${text}' 2>&1`).join('; ');
  const args = ['run', '--seed', '--allow', `localhost:${host.port}`, '--', 'sh', '-c', script];
  const { stdout } = await kustody(args, extraRoots);
  return stdout;
}

describe('data of a host whose root certificate is private', () => {
  it('is read where NODE_EXTRA_CA_CERTS names that root', async () => {
    const printed = await asked({ NODE_EXTRA_CA_CERTS: roots });
    expect(printed).toContain('read 2');
    expect(printed).toContain('ingested 1');
  });

  it('is refused without it, though --allow names the host', async () => {
    const printed = await asked({ NODE_EXTRA_CA_CERTS: '' });
    expect(printed).not.toMatch(/read 2|ingested 1/);
    expect(printed).toContain('NODE_EXTRA_CA_CERTS');
  });
});

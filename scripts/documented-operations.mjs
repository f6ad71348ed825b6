// Which requests the official clients send, which are generated from Azure's official API descriptions: what docs/operations.md calls
// documented. Writes vectors/fidelity/documented-operations.json.
//   node scripts/documented-operations.mjs
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentedRequests } from './fidelity/documented-requests.mjs';

const packages = [
  '@azure/arm-authorization@9.0.0',
  '@azure/arm-keyvault@5.0.0',
  '@azure/arm-kusto@8.1.0',
  '@azure/arm-locks@2.1.0',
  '@azure/arm-msi@2.2.0',
  '@azure/arm-resources@6.1.0',
  '@azure/arm-resources-subscriptions@2.1.1',
  '@azure/keyvault-certificates@4.10.3',
  '@azure/keyvault-keys@4.10.2',
  '@azure/keyvault-secrets@4.11.2',
];

const folder = mkdtempSync(join(tmpdir(), 'kustody-documented-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const found = new Set();
for (const name of packages) {
  const place = join(folder, name.replaceAll(/[@/]/g, '-'));
  mkdirSync(place);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', place, name]);
  const [packed] = readdirSync(place);
  execFileSync('tar', ['-xzf', join(place, packed), '-C', place]);
  const requests = documentedRequests(join(place, 'package'));
  console.log(`${name}: ${requests.length}`);
  for (const request of requests) found.add(request);
}
writeFileSync(
  join(import.meta.dirname, '..', 'vectors/fidelity/documented-operations.json'),
  `${JSON.stringify({ packages, requests: [...found].toSorted() }, undefined, 2)}\n`,
);

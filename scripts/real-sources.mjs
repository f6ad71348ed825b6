// Real queries that read data from hosts elsewhere (`network` in vectors/kql/real-refused.json), over a stand-in for these hosts on this
// machine: an HTTPS server with a root certificate of its own, which --allow and NODE_EXTRA_CA_CERTS let through as they would a company's.
// In the queries the host of each address is its first folder then; the files are made up of the columns that the query names.
//   node scripts/real-sources.mjs [--fill N] [--out results.json] [--shared ../shared/kql-real]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

const root = resolve(import.meta.dirname, '..');
const { values: arg } = parseArgs({
  options: { fill: { type: 'string', default: '20' }, out: { type: 'string' }, shared: { type: 'string' } },
});
const shared = resolve(arg.shared ?? join(root, '..', 'shared', 'kql-real'));
const rowsMax = 20;

const { refused } = JSON.parse(readFileSync(join(root, 'vectors/kql/real-refused.json'), 'utf8'));
const ids = new Set(refused.filter(({ kind }) => kind === 'network').map(({ id }) => id));
const corpus = JSON.parse(gunzipSync(readFileSync(join(shared, 'corpus.dev.json.gz'))).toString('utf8'));
const queries = corpus.queries.filter(({ id }) => ids.has(id));

const external = /external_?data\s*\(([^)]*)\)\s*\[\s*h?@?(["'])([^"']*)\2\s*,?\s*\]\s*(?:with\s*\(([^)]*)\))?/gi;

/** Path of the stand-in → text. The widest schema that a query reads a file with makes its rows. */
const files = new Map();
for (const { text } of queries)
  for (const [, list, , address, properties = ''] of text.matchAll(external)) {
    const columns = list.split(',').map((column) => column.trim().split(/\s*:\s*/));
    const path = pathOf(address);
    if ((files.get(path)?.columns.length ?? 0) >= columns.length) continue;
    const format = /format\s*=\s*["']?(\w+)/i.exec(properties)?.[1] ?? (address.endsWith('.txt') ? 'txt' : 'csv');
    files.set(path, { columns, format: address.endsWith('.xml') ? 'xml' : format });
  }

function pathOf(address) {
  const { host, pathname } = new URL(address);
  return `/${host}${pathname}`;
}

function valueOf(name, type, row) {
  if (type === 'int' || type === 'long') return row;
  if (type === 'bool') return row % 2 === 0;
  if (type === 'datetime') return new Date(Date.UTC(2026, 0, 1 + row)).toISOString();
  if (type === 'guid') return `00000000-0000-0000-0000-0000000000${String(row).padStart(2, '0')}`;
  if (type === 'dynamic') return [{ name: 'x', properties: { addressPrefixes: [`10.${row}.0.0/16`] } }];
  if (/network/i.test(name)) return `10.${row}.0.0/16`;
  if (/ip/i.test(name)) return `10.1.${row}.7`;
  if (/^type$/i.test(name)) return ['process', 'sha256', 'domainname', 'ip'][row % 4];
  return `v${row}`;
}

function textOf({ columns, format }) {
  const rows = Array.from({ length: rowsMax }, (_each, row) =>
    columns.map(([name, type]) => [name, valueOf(name, type.toLowerCase(), row)]),
  );
  if (format === 'xml') return rows.map((_row, index) => `<IpRange Subnet="10.${index}.0.0/16" />`).join('\n');
  if (format.toLowerCase().endsWith('json')) return JSON.stringify(rows.map((row) => Object.fromEntries(row)));
  const field = (value) =>
    `"${(typeof value === 'object' ? JSON.stringify(value) : String(value)).replaceAll('"', '""')}"`;
  return [columns.map(([name]) => name), ...rows.map((row) => row.map(([, value]) => field(value)))]
    .map((line) => `${line.join(',')}\n`)
    .join('');
}

const directory = mkdtempSync(join(tmpdir(), 'kustody-sources-'));
const openssl = (...args) => execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
const asked = new Map();
try {
  const days = ['-days', '2', '-nodes', '-newkey', 'rsa:2048'];
  openssl('req', '-x509', ...days, '-keyout', 'root.key', '-out', 'root.pem', '-subj', '/CN=root of the stand-in');
  openssl('req', ...days.slice(2), '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=localhost');
  writeFileSync(join(directory, 'names'), 'subjectAltName=DNS:localhost');
  const signing = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
  openssl('x509', '-req', '-in', 'request.pem', ...signing, '-out', 'cert.pem');
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(directory, name)));
  const server = createServer({ key, cert }, ({ url, method }, response) => {
    const path = new URL(url, 'https://localhost').pathname;
    const file = files.get(path);
    asked.set(path, (asked.get(path) ?? 0) + 1);
    if (file === undefined) return void response.writeHead(404).end();
    const body = Buffer.from(textOf(file));
    response.writeHead(200, { 'content-length': body.byteLength, etag: '"e"' }).end(method === 'HEAD' ? '' : body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `localhost:${server.address().port}`;
  const rewritten = queries.map((query) => ({
    ...query,
    text: query.text.replace(external, (all, _columns, _quote, address) =>
      all.replace(address, `https://${host}${pathOf(address)}`),
    ),
  }));
  // Only what these queries name, be it in the functions that they name.
  let texts = rewritten.map(({ text }) => text);
  const names = (name) => texts.some((text) => text.includes(name));
  const functions = [];
  for (
    let found = [];
    (found = corpus.functions.filter((one) => !functions.includes(one) && names(one.name))).length > 0;
  ) {
    functions.push(...found);
    texts = [...texts, ...found.map(({ body }) => body)];
  }
  const tables = corpus.tables.filter(({ name }) => names(name));
  const part = join(directory, 'corpus.json');
  writeFileSync(part, JSON.stringify({ tables, functions, queries: rewritten }));
  const run = [
    join(shared, 'run.mjs'),
    '--corpus',
    part,
    '--fill',
    arg.fill,
    '--out',
    resolve(arg.out ?? join(directory, 'out.json')),
  ];
  const args = [join(root, 'bin/kustody.cjs'), 'run', '--seed', '--allow', host, '--', 'node', ...run, '--min', '1'];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(directory, 'root.pem') };
  const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
  server.close();
  server.closeAllConnections();
  const unasked = [...files.keys()].filter((path) => !asked.has(path));
  for (const path of unasked) console.log(`never asked for: ${path}`);
  console.log(`${queries.length} queries, ${files.size} files of the stand-in`);
  process.exitCode = code !== 0 || queries.length !== ids.size || unasked.length > 0 ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

// Plays recorded Azure traffic, each recording into an instance of its own, and holds the result against vectors/fidelity.
//   node scripts/fidelity.mjs [--recordings DIR] [--jobs 4] [--out DIR] [--only REGEX] [--raise] [--report]
// The directory of recordings brings replay-all.mjs and replay.mjs, which say what equals what. Exit status 1 when the share of
// equal answers of a group is below its floor, or when something differs that no row of differences.json explains.
//   --raise   writes the shares seen as the floors, where they are higher
//   --report  plays nothing: DIR has the results
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { shapeOf } from './fidelity/request-shape.mjs';
import { prepareRecordings } from './recordings.mjs';

const root = join(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    recordings: { type: 'string', default: join(root, '..', 'shared', 'recordings') },
    jobs: { type: 'string', default: '4' },
    out: { type: 'string' },
    only: { type: 'string' },
    raise: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
});
const floorFile = join(root, 'vectors/fidelity/floor.json');
const floor = JSON.parse(readFileSync(floorFile, 'utf8'));
const { differences: rows, notHere } = JSON.parse(
  readFileSync(join(root, 'vectors/fidelity/differences.json'), 'utf8'),
);
const out = options.out ?? mkdtempSync(join(tmpdir(), 'kustody-fidelity-'));
if (options.out === undefined) process.on('exit', () => rmSync(out, { recursive: true, force: true }));

const groupOf = (service) =>
  service.startsWith('Vault ') ? 'vault data plane' : service === 'Resource manager' ? 'resource manager' : service;
/** Together they make the share that counts; the others are counted apart. */
const together = [
  'Microsoft.KeyVault',
  'Microsoft.Kusto',
  'Microsoft.Resources',
  'Microsoft.ManagedIdentity',
  'resource manager',
  'vault data plane',
];

// As they were recorded, but for what the recorder did to names, and without what is about services that are not here.
const recordings = mkdtempSync(join(tmpdir(), 'kustody-recordings-'));
process.on('exit', () => rmSync(recordings, { recursive: true, force: true }));
const apart = prepareRecordings(resolve(options.recordings), recordings, notHere);

if (!options.report) play(options.only);
let seen = summary();
const unexplained = () => seen.differences.filter((line) => !rows.some((row) => line.signature.startsWith(row.starts)));
if (unexplained().length > 0 && options.only === undefined && !options.report) {
  // What a busy machine brings about does not come a second time.
  const files = [...new Set(unexplained().flatMap((line) => (line.file === undefined ? [] : [line.file])))];
  if (files.length > 0) {
    for (const file of files) rmSync(join(out, `${file}l`), { force: true });
    play(`^(?:${files.map((file) => file.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`);
    seen = summary();
  }
}
report();

function play(only) {
  const found = spawnSync(
    process.execPath,
    [
      join(options.recordings, 'replay-all.mjs'),
      ...['--dir', recordings, '--jobs', options.jobs, '--out', out, '--bin', join(root, 'scripts/fidelity/play.mjs')],
      ...(only === undefined ? [] : ['--only', only]),
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (found.error !== undefined) throw found.error;
}

function summary() {
  const files = readdirSync(out).filter((name) => name.endsWith('.jsonl'));
  const all = readdirSync(options.recordings).filter((name) => name.endsWith('.json.gz'));
  const text = spawnSync(
    process.execPath,
    [join(options.recordings, 'replay.mjs'), '--summary', ...files.map((name) => join(out, name))],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  ).stdout;
  const counts = new Map();
  for (const [, service, ...numbers] of text.matchAll(/^│ ([A-Z][\w. ]+?) +│ (\d+) +│ (\d+) +│ (\d+) +│ /gm)) {
    const [compared, equal, harmless] = numbers.map(Number);
    const group = groupOf(service);
    const before = counts.get(group) ?? { compared: 0, good: 0 };
    counts.set(group, { compared: before.compared + compared, good: before.good + equal + harmless });
  }
  const [differing = '', notBuilt = ''] = text.split('\nnot built:\n');
  const differences = [
    ...[...differing.matchAll(/^(\d+)× (.*?) {3}\[(.+?\.json\.gz) #\d+\]$/gm)].map(([, count, signature, file]) => ({
      ...{ count, signature, file: file.replace(/\.gz$/, '') },
    })),
    ...[...notBuilt.matchAll(/^(\d+)× (.*)$/gm)].map(([, count, operation]) => ({
      ...{ count, signature: `not built | ${operation}` },
    })),
  ];
  return { played: files.length, recordings: all.length, counts, differences };
}

/** Requests that docs/operations.md calls recorded, and of which no answer was compared. */
function neverCompared() {
  const compared = new Set();
  for (const name of readdirSync(out).filter((each) => each.endsWith('.jsonl'))) {
    for (const line of readFileSync(join(out, name), 'utf8').split('\n').filter(Boolean)) {
      const { verdict, method, url } = JSON.parse(line);
      const shape = verdict === 'equal' || verdict === 'differs' ? shapeOf(method, url) : undefined;
      if (shape !== undefined) compared.add(`${shape.method} ${shape.service} ${shape.path}`);
    }
  }
  const called = JSON.parse(readFileSync(join(root, 'vectors/fidelity/recorded-operations.json'), 'utf8'));
  return Object.keys(called).filter((request) => !compared.has(request));
}

/** Floors that were higher in the history that is there. */
function lowered() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout ?? '';
  const commits = git('log', '--format=%h', '--', 'vectors/fidelity/floor.json').split('\n').filter(Boolean);
  return commits.flatMap((commit) => {
    const text = git('show', `${commit}:vectors/fidelity/floor.json`);
    const before = text === '' ? {} : JSON.parse(text);
    return Object.entries(before)
      .filter(([name, share]) => share > (floor[name] ?? 0))
      .map(([name, share]) => [name, share, commit]);
  });
}

function report() {
  const share = ({ compared, good }) => (compared === 0 ? 0 : good / compared);
  const sum = (names) =>
    names
      .map((name) => seen.counts.get(name) ?? { compared: 0, good: 0 })
      .reduce((all, one) => ({ compared: all.compared + one.compared, good: all.good + one.good }), {
        ...{ compared: 0, good: 0 },
      });
  const groups = [['together', sum(together)], ...seen.counts];
  const failures = [];
  for (const name of seen.counts.keys()) if (floor[name] === undefined) failures.push(`no floor for ${name}`);
  const missing = seen.recordings - seen.played;
  if (options.only === undefined && missing > 0)
    failures.push(`${missing} of ${seen.recordings} recordings gave no result`);
  for (const [name, count] of groups) {
    const wanted = floor[name];
    const text = `${name}: ${count.good} of ${count.compared} equal or harmless, ${(100 * share(count)).toFixed(2)} %`;
    console.log(wanted === undefined ? text : `${text} (floor ${(100 * wanted).toFixed(2)} %)`);
    if (wanted !== undefined && share(count) < wanted && options.only === undefined)
      failures.push(`below its floor: ${text}`);
  }
  for (const name of Object.keys(floor)) {
    if (name !== 'together' && !seen.counts.has(name) && options.only === undefined)
      failures.push(`nothing of ${name} was compared`);
  }
  for (const { type, answers } of notHere) {
    const count = apart.get(type) ?? 0;
    console.log(`not compared: ${count} answers about ${type}, which is not here`);
    if (count !== answers) failures.push(`${count} answers about ${type} were set apart, not ${answers}`);
  }
  if (options.only === undefined) {
    for (const request of neverCompared()) failures.push(`called recorded and not compared: ${request}`);
  }
  for (const line of unexplained()) failures.push(`no row explains: ${line.count}× ${line.signature}`);
  const idle = rows.filter((row) => !seen.differences.some((line) => line.signature.startsWith(row.starts)));
  if (options.only === undefined) for (const row of idle) console.log(`explains nothing any more: ${row.starts}`);
  for (const [name, share, commit] of lowered()) failures.push(`the floor of ${name} was ${share} in ${commit}`);
  if (options.raise) {
    // Cut to whole percents: what else a busy machine brings about is less.
    const raised = groups.map(([name, count]) => [
      name,
      Math.max(floor[name] ?? 0, Math.floor(100 * share(count)) / 100),
    ]);
    writeFileSync(floorFile, `${JSON.stringify(Object.fromEntries(raised), undefined, 2)}\n`);
  }
  for (const failure of failures) console.log(failure);
  if (failures.length > 0) process.exitCode = 1;
}

'use strict';
// Primes for the RSA keys of tests, in files that all processes of all runs share: a program that makes its first key need not look for two primes,
// which takes most of the time of a key. Each pair is taken once in a run, so that no two keys of all its processes are the same.
const { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { generatePrime, randomInt } = require('node:crypto');
const { join } = require('node:path');
const { promisify } = require('node:util');

// As it was before anything was replaced.
const generate = promisify((bits, done) => generatePrime(bits, { bigint: true }, done));

const place = join(__dirname, '..', '..', 'node_modules', '.cache', 'kustody-primes');
/** So many primes for keys of so many bits: pairs for more keys than a run makes. */
const counts = new Map([
  [2048, 120],
  [3072, 24],
]);
const bitsOfKeys = [...counts.keys()];
/** Then most pairs are taken. */
const triesMax = 20;

const fileOf = (bits) => join(place, `${bits}.json`);
const takenOf = (bits) => join(place, `${bits}-taken`);
const e = 65_537n;

/** @param bits of a key, of which the prime has half */
async function newPrime(bits) {
  for (;;) {
    const prime = await generate(bits / 2);
    if (prime >> BigInt(bits / 2 - 2) === 3n && (prime - 1n) % e !== 0n) return prime; // any two have a product of all bits
  }
}

/** To be called once before a run: makes the primes where they are not there yet, and all pairs are to be had again. */
async function keepPrimes() {
  for (const [bits, count] of counts) {
    rmSync(takenOf(bits), { recursive: true, force: true });
    mkdirSync(takenOf(bits), { recursive: true });
    if (primesIn(fileOf(bits)) !== undefined) continue;
    const primes = await Promise.all(Array.from({ length: count }, () => newPrime(bits)));
    const draft = `${fileOf(bits)}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(primes.map((prime) => prime.toString(16))));
    renameSync(draft, fileOf(bits));
  }
}

/** Texts of this process, as they were when it first asked. */
const read = new Map();

/** @returns undefined where none are kept, or nearly all are taken */
function takeKeptPair(bits) {
  if (!read.has(bits)) read.set(bits, primesIn(fileOf(bits)));
  const primes = read.get(bits);
  if (primes === undefined) return undefined;
  for (let tried = 0; tried < triesMax; tried += 1) {
    const larger = randomInt(1, primes.length);
    const smaller = randomInt(larger);
    if (isMine(join(takenOf(bits), `${larger}-${smaller}`)))
      return [BigInt(`0x${primes[larger]}`), BigInt(`0x${primes[smaller]}`)];
  }
  return undefined;
}

function isMine(name) {
  try {
    closeSync(openSync(name, 'wx'));
    return true;
  } catch {
    return false; // another process has it
  }
}

function primesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // nobody has made any
  }
}

module.exports = { bitsOfKeys, keepPrimes, newPrime, takeKeptPair };

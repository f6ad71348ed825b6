// The licences of the packages whose code is part of the bundles.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param inputs sources of the bundles, below the root
 * @param copied further packages by name
 * @returns one text, a part for each package
 * @throws Error for a package that does not say its licence */
export function licences(root, inputs, copied) {
  const folders = new Set(copied.map((name) => `node_modules/${name}`));
  for (const input of inputs) {
    const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
    if (found !== null) folders.add(found[0]);
  }
  const parts = [...folders].map((folder) => part(join(root, folder))).sort();
  return `Kustody contains code of the following packages.\n${[...new Set(parts)].join('')}`;
}

function part(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (typeof license !== 'string') throw new Error(`The package in ${folder} does not say its licence.`);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  const text = file === undefined || !existsSync(join(folder, file)) ? '' : readFileSync(join(folder, file), 'utf8');
  return `\n${'='.repeat(78)}\n${name} ${version}: ${license}\n\n${text.replaceAll('\r\n', '\n').trim()}\n`;
}

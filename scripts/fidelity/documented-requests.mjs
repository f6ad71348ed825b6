// What an official client for JavaScript sends, read from its package.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ours =
  /^\/(?:(?:subscriptions|tenants|providers)(?:\/|$)|(?:deleted)?(?:keys|secrets|certificates)(?:\/|$)|rng$)/;
const foreign =
  /\/providers\/(?!\{\}(?:\/|$)|microsoft\.(?:authorization|keyvault|kusto|managedidentity|resources)(?:\/|$))/;

/** @param {string} packageFolder
 * @returns {string[]} `GET /subscriptions/{}/resourcegroups/{}`: in lower case, `{}` for names; `{scope}` for any scope */
export function documentedRequests(packageFolder) {
  const found = new Set();
  for (const text of sources(packageFolder)) {
    for (const [, path, method] of text.matchAll(/\bpath: *"([^"]+)",\s*httpMethod: *"([A-Z]+)"/g)) add(path, method);
    for (const [, path, method] of text.matchAll(
      /expandUrlTemplate\(\s*"([^"]+)"[^]*?\.path\(path\)\s*\.(get|put|post|patch|delete|head)\(/g,
    )) {
      add(path, method.toUpperCase());
    }
  }
  return [...found];

  function add(template, method) {
    for (const path of pathsOf(template)) {
      if ((ours.test(path) || path.startsWith('{scope}/')) && !foreign.test(path)) found.add(`${method} ${path}`);
    }
  }
}

/** The script of the package: one bundle, or files. */
function sources(folder) {
  const bundle = join(folder, 'dist/index.js');
  if (existsSync(bundle)) return [readFileSync(bundle, 'utf8')];
  const modules = join(folder, 'dist/esm');
  return readdirSync(modules, { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(join(modules, name), 'utf8'));
}

/** A segment that may be missing makes two paths. */
function pathsOf(template) {
  const path = template.replace(/\{[?&][^}]*\}/g, '').replace(/(?<=.)\/$/, '');
  const all = /\{\/[^}]+\}/.test(path)
    ? [path.replace(/\{\/[^}]+\}/, ''), path.replace(/\{\/[^}]+\}/, '/{version}')]
    : [path];
  return all.map((each) =>
    each
      .toLowerCase()
      .replace(/^\/?\{\+?(?:scope|resourceid|roleid|roledefinitionid|roleassignmentid|denyassignmentid)\}/, '{scope}')
      .replaceAll(/\{(?!scope\})[^}]+\}/g, '{}'),
  );
}

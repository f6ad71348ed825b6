// Writes src/authz/built-in-roles.json from the answer of `az role definition list`: ids, names and what each role allows, no descriptions.
//   node scripts/built-in-roles.mjs FILE DATE      FILE: its JSON; DATE: when Azure answered so (2026-08-22)
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [file, date] = process.argv.slice(2);
if (file === undefined || !/^\d{4}-\d\d-\d\d$/.test(date ?? '')) {
  console.error('usage: node scripts/built-in-roles.mjs FILE DATE');
  process.exit(2);
}

const kinds = ['actions', 'notActions', 'dataActions', 'notDataActions'];

const permissionOf = (permission) => ({
  ...Object.fromEntries(kinds.filter((kind) => permission[kind].length > 0).map((kind) => [kind, permission[kind]])),
  ...(permission.condition ? { condition: permission.condition } : {}),
});

const roles = JSON.parse(readFileSync(file, 'utf8'))
  .filter((role) => role.roleType === 'BuiltInRole')
  .map((role) => ({ id: role.name, roleName: role.roleName, permissions: role.permissions.map(permissionOf) }))
  .sort((left, right) => (left.id < right.id ? -1 : 1));

// A role a line: then a newer list shows what has changed.
const lines = roles.map((role) => `    ${JSON.stringify(role)}`).join(',\n');
const target = join(import.meta.dirname, '..', 'src', 'authz', 'built-in-roles.json');
writeFileSync(target, `{\n  "date": "${date}",\n  "roles": [\n${lines}\n  ]\n}\n`);
console.log(`${roles.length} roles as of ${date}`);

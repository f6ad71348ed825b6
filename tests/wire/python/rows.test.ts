import { describe, expect, it } from 'vitest';
import { hasModules, python, pythonIn } from '../../support/python.ts';
import { kustody } from '../../support/kustody-command.ts';

const current = ['identity', 'mgmt.kusto', 'mgmt.keyvault', 'mgmt.resource', 'kusto.data'];
const vault = ['keyvault.keys', 'keyvault.secrets', 'keyvault.certificates'];
const of2019 = ['msrestazure', 'azure.keyvault', 'azure.mgmt.kusto', 'azure.mgmt.keyvault', 'azure.kusto.data'];
const configured = ['Succeeded', true];
const cases = {
  'rows.client.py': {
    program: python,
    modules: [...current, ...vault].map((name) => `azure.${name}`),
    seen: { certificate: [true, true, 'hello'] },
  },
  'article-2019.client.py': {
    program: pythonIn('python-2019'),
    modules: of2019,
    seen: {
      default: null,
      noIdentity: [400, 'KeyVaultPropertiesOnlyForSystemAssignedResources'],
      noAccess: [400, 'IdentityDoesNotHaveAccessToKeyVault'],
      noKey: [400, 'KeyNotFound'],
    },
  },
};

describe('Python clients, from sign-in to the key that comes back', () => {
  for (const [name, { program, modules, seen }] of Object.entries(cases)) {
    it.skipIf(!hasModules(program, modules))(name, async () => {
      const { code, stdout, stderr } = await kustody(['run', '--', program, `${import.meta.dirname}/${name}`]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        ...{ ...seen, unwrapped: true, configured, rows: 2 },
        ...{ rotated: [...configured, 2], revoked: 'refused', givenBack: 2 },
      });
    });
  }
});

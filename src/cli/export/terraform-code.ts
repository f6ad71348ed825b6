import type { Hcl, HclBody } from './hcl.ts';
import { quotedHcl } from './hcl.ts';
import type { ExportedResource } from './model.ts';
import type { Value, ValueObject } from './value.ts';
import { Expression, isValueObject, isValueList } from './value.ts';

/** One resource of Terraform. */
export interface TerraformBlock {
  readonly kind: string;
  readonly symbol: string;
  readonly body: HclBody;
  /** Addresses that it needs and does not speak of. */
  readonly after: readonly string[];
  /** Properties that azurerm has no argument for. */
  readonly lacks?: readonly string[];
}

/** Where the resources of an export are found. */
export interface Names {
  /** Terraform's type of a resource; empty when it has none. */
  readonly kindOf: (symbol: string) => string;
  readonly all: readonly ExportedResource[];
  readonly found: (symbol: string) => ExportedResource | undefined;
}

const propertyNames = { vaultUri: 'vault_uri', principalId: 'principal_id' } as const;

/** A text, number, flag, list of these or reference. */
export function codeOf(value: Value | undefined, names: Names): Hcl {
  if (value === undefined || value === null) return undefined;
  if (isValueList(value)) return value.map((one) => codeOf(one, names));
  if (value instanceof Expression) return termOf(value, names);
  if (isValueObject(value)) throw new Error('an object has its own arguments');
  return value;
}

function termOf({ term }: Expression, names: Names): Hcl {
  const of = (symbol: string): string => `${names.kindOf(symbol)}.${symbol}`;
  switch (term.kind) {
    case 'parameter':
      return { code: `var.${term.name}` };
    case 'id':
      return { code: `${of(term.of)}.id` };
    case 'property':
      return { code: `${of(term.of)}.${propertyNames[term.name]}` };
    case 'ownPrincipalId':
      return { code: `${of(term.of)}.identity[0].principal_id` };
    case 'tenantId':
      return { code: 'data.azurerm_client_config.current.tenant_id' };
    case 'deployer':
      return { code: 'data.azurerm_client_config.current.object_id' };
    case 'groupId':
      return { code: 'data.azurerm_resource_group.group.id' };
    case 'role':
      return {
        code: `"/subscriptions/\${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/${term.id}"`,
      };
    case 'guid': {
      const parts = term.of.map((one) => inText(codeOf(one, names))).join('|');
      return { code: `uuidv5("url", "${parts}")` };
    }
    case 'identities':
      return term.ids.map((id) => codeOf(id, names));
  }
}

function inText(value: Hcl): string {
  if (typeof value === 'object' && 'code' in value) return `\${${value.code}}`;
  if (typeof value !== 'string') throw new Error('only texts and references stand in names');
  return quotedHcl(value).slice(1, -1);
}

export const objectOf = (value: Value | undefined): ValueObject =>
  value !== undefined && isValueObject(value) ? value : {};

export const textsOf = (value: Value | undefined): readonly string[] =>
  value !== undefined && isValueList(value) ? value.filter((one): one is string => typeof one === 'string') : [];

export const group = { resource_group_name: { code: 'var.resource_group_name' } } as const;

export function tags(body: ExportedResource['body'], names: Names): HclBody {
  const held = Object.entries(objectOf(body['tags']));
  return held.length === 0
    ? {}
    : { tags: { object: Object.fromEntries(held.map(([name, value]) => [name, codeOf(value, names)])) } };
}

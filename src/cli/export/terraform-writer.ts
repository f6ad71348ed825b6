import type { ExportedGroup, ExportedResource } from './model.ts';
import { blockText } from './hcl.ts';
import type { Hcl } from './hcl.ts';
import type { Names } from './terraform-code.ts';
import { terraformRows } from './terraform-rows.ts';

const head = `terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
  }
}

provider "azurerm" {
  features {}
}

data "azurerm_client_config" "current" {}

data "azurerm_resource_group" "group" {
  name = var.resource_group_name
}
`;

/** The export as Terraform for the azurerm provider. What has no resource there is told by name. */
export function writeTerraform(group: ExportedGroup): string {
  const kinds = new Map(group.resources.map(({ symbol, type }) => [symbol, terraformRows[type]?.kind ?? '']));
  const resources = new Map(group.resources.map((resource) => [resource.symbol, resource]));
  const names: Names = {
    all: group.resources,
    kindOf: (symbol) => kinds.get(symbol) ?? '',
    found: (symbol) => resources.get(symbol),
  };
  const variables = [
    variable('resource_group_name', 'Resource group, which has to be there', group.name),
    ...group.parameters.map(({ name, description, otherwise }) => variable(name, description, otherwise)),
  ];
  const written = group.resources.flatMap((resource) => resourceText(resource, names));
  const notes = group.notes.map((note) => `# not exported: ${note.replaceAll(/\s+/g, ' ')}\n`).join('');
  return [...(notes === '' ? [] : [notes]), head, ...variables, ...written].join('\n');
}

const variable = (name: string, description: string, otherwise: string | undefined): string =>
  blockText(['variable', name], {
    ...{ type: { code: 'string' }, description },
    ...(otherwise === undefined ? {} : { default: otherwise }),
  });

function resourceText(resource: ExportedResource, names: Names): readonly string[] {
  const row = terraformRows[resource.type];
  if (row === undefined)
    return [`# not exported: ${resource.type} ${resource.symbol}: azurerm has no resource for it\n`];
  return row.blocks(resource, names).map(({ kind, symbol, body, after, lacks = [] }) => {
    const dependsOn: Hcl = after.length === 0 ? undefined : after.map((code) => ({ code }));
    const missing = lacks.map((name) => `# not exported: ${name} of ${symbol}: azurerm has no argument for it\n`);
    return missing.join('') + blockText(['resource', kind, symbol], { ...body, depends_on: dependsOn });
  });
}

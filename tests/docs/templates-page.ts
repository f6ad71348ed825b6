import { templateFunctions } from '../../src/templates/functions/all-functions.ts';
import type { FunctionFamily, FunctionRow } from '../../src/templates/functions/function-row.ts';
import { code, madeFrom, table, wrapped } from './markdown.ts';

const titles: Readonly<Record<FunctionFamily, string>> = {
  array: 'Arrays',
  cidr: 'Blocks of addresses',
  comparison: 'Comparisons',
  date: 'Dates',
  deployment: 'The deployment',
  lambda: 'Lambdas',
  logical: 'Logic',
  numeric: 'Numbers',
  object: 'Objects',
  resource: 'Resources',
  scope: 'Scopes',
  string: 'Texts',
};

/** The page docs/templates.md: what deployments take, and every function of their expressions. */
export function templatesPage(): string {
  return [
    '# Templates',
    '',
    madeFrom('the rows of the functions'),
    '',
    ...about.flatMap((paragraph) => [wrapped(paragraph), '']),
    ...Object.entries(titles).flatMap(([family, title]) => section(title, family)),
  ].join('\n');
}

const about = [
  'Kustody deploys JSON templates as Azure Resource Manager does, and what Bicep compiles to: at the scope of a resource group, a subscription or the tenant, incremental or complete, with `validate`, `what-if`, `cancel`, lists, operations and exports. `az deployment` of the Azure CLI works as it is. Who deploys at the scope of the tenant needs a role at `/` ([clients.md](clients.md#the-scope-of-the-tenant)).',
  'A deployment makes its resources by the same requests as its caller would, with the rights of that caller and no others; before it begins, the caller must be allowed to write each of them. At most ten resources are made at the same time, in the order of their dependencies. Nested templates have names of their own (`inner`) or those of the template around them (`outer`).',
  'What-if compares with the resources as they are: what a template names, and what it leaves out and would thereby set back to its default. Values that only the deployment can evaluate are `NoEffect`.',
  'Values of secure parameters and outputs are neither kept nor shown. Where they are more than 65,536 characters, errors and `what-if` show a star in place of every text. So a deployment under way when Kustody ends does not go on: the next start records it as failed, what it had made stays, and deploying again completes it.',
  'A parameter can refer to a secret of a vault (`reference`): the vault must have `enabledForTemplateDeployment` and let the services of Azure through its firewall, and the caller needs `Microsoft.KeyVault/vaults/deploy/action` on it. Only the reference is kept and shown.',
  '',
  'Seen to be deployed, deployed again without a change and foretold as unchanged, by hand: of the public Azure Verified Modules `avm/res/kusto/cluster` with a key of the customer’s (identity of the system’s and of a user’s) and `avm/res/key-vault/vault` with keys, secrets, a lock and network rules. The tests have templates of the same constructs.',
  '',
  'With `onErrorDeployment` an earlier deployment of the group that succeeded is deployed again when this one fails: in complete mode, with its template and values of then, and with the rights of who asked for it. It has to be one that no other made, and that had no secure parameters.',
  '',
  'Linked templates and parameters (`templateLink` with `uri` or `relativePath`, `queryString`, `contentVersion`; `parametersLink`) are read by https from hosts that `--allow` lets through, up to 4 MB in 20 seconds, without redirects, 20 addresses a request; others are `InvalidContentLink`. Refused by name (501): template specs, deployment scripts, extensions such as Microsoft Graph, other language versions than 1.0 and 2.0, and functions that say so below. Types of resources that Kustody has not are refused before anything is made. Limits: 4 MB a template, 256 parameters, 512 variables, 800 resources with the nested ones, 64 outputs, 24,576 characters an expression, 5 levels of nested templates, 4 MB each for the resources, parameters and outputs of a template with its loops and expressions evaluated and for the dependencies that a deployment shows, 1 MB for all of a deployment and so for each resource, compressed by gzip, with loops, parameters and variables as they come out (`DeploymentJobSizeExceeded`; Azure does not say how it compresses), and 64 MB before that, 10 locations of deployments of a subscription or the tenant, 384 MB of memory, a million evaluations to plan a deployment and six to carry it out with all that are nested in it, 200 deployments at the same time. Of a scope 700 deployments are kept; with one more the oldest go until 600 are left, and where they may not be deleted, the 801st is refused.',
];

function section(title: string, family: string): readonly string[] {
  const rows = Object.entries(templateFunctions).filter(([, row]) => row.family === family);
  return [
    `## ${title}`,
    '',
    ...table(
      ['Function', 'Arguments', 'Gives', 'Example'],
      rows.map(([name, row]) => [code(name), argumentsOf(row), row.says, exampleOf(row)]),
    ),
    '',
  ];
}

const argumentsOf = ({ args: [least, most] }: FunctionRow): string =>
  least === most ? String(least) : `${least} to ${Number.isFinite(most) ? most : 'any'}`;

function exampleOf({ cases }: FunctionRow): string {
  const [first] = Object.entries(cases);
  return first === undefined ? '' : `${code(`[${first[0]}]`)} → ${code(JSON.stringify(first[1]))}`;
}

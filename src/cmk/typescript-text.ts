/** What a module does through one of the official clients, which is called `client`. */
export interface Script {
  readonly client: keyof typeof clients;
  readonly imports?: readonly string[];
  readonly lines: readonly string[];
}

const clients = {
  kusto: ['KustoManagementClient', '@azure/arm-kusto'],
  vaults: ['KeyVaultManagementClient', '@azure/arm-keyvault'],
  keys: ['KeyClient', '@azure/keyvault-keys'],
  resources: ['ResourceManagementClient', '@azure/arm-resources'],
} as const;

/** A module of TypeScript or JavaScript. */
export function moduleText({ client, imports = [], lines }: Script): string {
  const [made, from] = clients[client];
  return [
    "import { DefaultAzureCredential } from '@azure/identity';",
    `import { ${made} } from ${text(from)};`,
    ...imports,
    '',
    ...lines,
  ].join('\n');
}

/** Makes the client of a subscription. */
export const managing = (client: 'kusto' | 'vaults' | 'resources', subscriptionId: string): string =>
  `const client = new ${clients[client][0]}(new DefaultAzureCredential(), ${text(subscriptionId)});`;

/** Makes the client of a vault's keys. */
export const opening = (vaultUri: string): string =>
  `const client = new KeyClient(${text(vaultUri)}, new DefaultAzureCredential());`;

/** @param start without the last argument: `clusters.beginUpdateAndWait('group', 'name'` */
export const call = (start: string, body: object): readonly string[] => [
  `await client.${start}, ${literal(body, '')});`,
];

export const text = (value: string): string =>
  `'${value
    .replaceAll('\\', '\\\\')
    .replaceAll("'", String.raw`\'`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)}'`;

/** As one would write it: names without quotes where they need none. */
export function literal(value: unknown, indent: string): string {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map((one) => literal(one, indent)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const inner = `${indent}  `;
  const members = Object.entries(value).map(
    ([name, one]) => `${inner}${/^\w+$/.test(name) ? name : text(name)}: ${literal(one, inner)},`,
  );
  return members.length === 0 ? '{}' : ['{', ...members, `${indent}}`].join('\n');
}

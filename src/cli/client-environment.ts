import { isServedDomain, servedDomains } from '../http/name-constraints.ts';

/** Variables to set; `undefined` means that the variable must not be there. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a running instance tells its clients. Paths are absolute. */
export interface ClientEnvironmentInput {
  /** `http://127.0.0.1:{port}` of the forward proxy. */
  readonly proxyUrl: string;
  /** `https://localhost:{port}`. */
  readonly controlUrl: string;
  readonly controlToken: string;
  /** `https://localhost:{port}` of the cluster that localhost leads to, for clients that can go nowhere else. */
  readonly localhostUri: string;
  readonly dataDirectory: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who signs in with a password. */
  readonly user?: { readonly principalName: string; readonly password: string };
  readonly trust: {
    /** PEM: our root and whatever NODE_EXTRA_CA_CERTS named before. */
    readonly extraRootsFile: string;
    /** PEM: the public roots and ours, for settings that replace the trust list. */
    readonly bundleFile: string;
    /** Java trust store with the same roots as the bundle. */
    readonly javaTrustStoreFile: string;
    readonly javaTrustStorePassword: string;
  };
  /** A directory for Azure CLI's login state, so that it neither sees nor changes the user's own. */
  readonly azureConfigDirectory: string;
  /** The environment that is extended: read for NO_PROXY and JAVA_TOOL_OPTIONS only. */
  readonly existing: Environment;
}

/** Everything that makes unmodified clients come to us: proxy, trust and credentials for each family of clients. Each stack
 * has its own trust setting: Python's requests, Node, OpenSSL with Go and .NET, Java. */
export function clientEnvironment(input: ClientEnvironmentInput): Environment {
  const noProxy = extendNoProxy(input.existing['NO_PROXY'] ?? input.existing['no_proxy']);
  const { trust } = input;
  return {
    HTTPS_PROXY: input.proxyUrl,
    HTTP_PROXY: input.proxyUrl,
    https_proxy: input.proxyUrl,
    http_proxy: input.proxyUrl,
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    NODE_EXTRA_CA_CERTS: trust.extraRootsFile,
    NODE_USE_ENV_PROXY: '1', // Node's own fetch and http obey the proxy, from 22.21 and 24 on
    REQUESTS_CA_BUNDLE: trust.bundleFile,
    CURL_CA_BUNDLE: trust.bundleFile,
    SSL_CERT_FILE: trust.bundleFile,
    JAVA_TOOL_OPTIONS: extendJavaOptions(input),
    AZURE_TENANT_ID: input.tenantId,
    AZURE_CLIENT_ID: input.clientId,
    AZURE_CLIENT_SECRET: input.clientSecret,
    AZURE_SUBSCRIPTION_ID: input.subscriptionId,
    ARM_TENANT_ID: input.tenantId,
    ARM_CLIENT_ID: input.clientId,
    ARM_CLIENT_SECRET: input.clientSecret,
    ARM_SUBSCRIPTION_ID: input.subscriptionId,
    AZURE_CONFIG_DIR: input.azureConfigDirectory,
    AZURE_CORE_COLLECT_TELEMETRY: 'false',
    ...(input.user === undefined
      ? {}
      : { KUSTODY_USERNAME: input.user.principalName, KUSTODY_PASSWORD: input.user.password }),
    KUSTODY_DATA_DIR: input.dataDirectory,
    KUSTODY_CONTROL: input.controlUrl,
    KUSTODY_CONTROL_TOKEN: input.controlToken,
    KUSTODY_LOCALHOST_CLUSTER_URI: input.localhostUri,
    ...Object.fromEntries(misleading.map((name) => [name, undefined])),
  };
}

/** Settings for the real service that would win over ours, or take credentials of the real service to us. */
const misleading = [
  'ALL_PROXY',
  'all_proxy',
  'AZURE_AUTHORITY_HOST',
  'AZURE_CLIENT_CERTIFICATE_PATH',
  'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  'AZURE_FEDERATED_TOKEN_FILE',
  'AZURE_USERNAME',
  'AZURE_PASSWORD',
  'AZURE_POD_IDENTITY_AUTHORITY_HOST',
  'IDENTITY_ENDPOINT',
  'IDENTITY_HEADER',
  'IMDS_ENDPOINT',
  'MSI_ENDPOINT',
  'MSI_SECRET',
] as const;

/** This machine is reached directly; entries that would lead past us, to the real service, are left out. */
function extendNoProxy(existing: string | undefined): string {
  const kept = (existing ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && !leadsPastUs(entry));
  return [...new Set([...kept, 'localhost', '127.0.0.1', '::1'])].join(',');
}

function leadsPastUs(entry: string): boolean {
  const name = entry
    .toLowerCase()
    .replace(/^\*?\./, '')
    .replace(/:\d+$/, '');
  if (name === 'localhost') return false;
  const coversAll = name === '*' || /\/0$/.test(name);
  const isManagedIdentity = name.startsWith('169.254.');
  return (
    coversAll ||
    isManagedIdentity ||
    isServedDomain(name) ||
    servedDomains.some((domain) => domain.endsWith(`.${name}`))
  );
}

/** Java's HTTP clients read no proxy from the environment, and their trust store replaces the built-in one. */
function extendJavaOptions({ proxyUrl, trust, existing }: ClientEnvironmentInput): string {
  const { hostname, port } = new URL(proxyUrl);
  const options = [
    ...['https', 'http'].flatMap((scheme) => [`-D${scheme}.proxyHost=${hostname}`, `-D${scheme}.proxyPort=${port}`]),
    '-Dhttp.nonProxyHosts=localhost|127.*|[::1]',
    `-Djavax.net.ssl.trustStore=${trust.javaTrustStoreFile}`,
    '-Djavax.net.ssl.trustStoreType=JKS',
    `-Djavax.net.ssl.trustStorePassword=${trust.javaTrustStorePassword}`,
  ];
  const before = existing['JAVA_TOOL_OPTIONS']?.trim() ?? '';
  return [...(before === '' ? [] : [before]), ...options.map(quoteJavaOption)].join(' ');
}

/** The JVM splits at white space and joins what stands in quotes; inside quotes nothing is special but the same quote. */
function quoteJavaOption(option: string): string {
  if (!/[\s'"]/.test(option)) return option;
  const parts = option.split("'").map((part) => (part === '' ? '' : `'${part}'`));
  return parts.join(`"'"`);
}

import { clientEnvironment } from '../../src/cli/client-environment.ts';
import type { Environment } from '../../src/cli/client-environment.ts';
import { seedVariables } from '../../src/server/seed.ts';
import type { InstanceEnvironment } from '../../src/server/instance-environment.ts';
import { principalVariables } from '../../src/server/principal-variables.ts';
import { code, codes, madeFrom, table, wrapped } from './markdown.ts';

/** What `kustody` itself reads. */
export const readVariables: Readonly<Record<string, string>> = {
  KUSTODY_DATA_DIR: 'the data directory of every command that is given none with `--data`; `run` sets it',
  KUSTODY_ROOT_KEY:
    'the root key of `up`, `run`, `article` and others, 64 hexadecimal digits; taken out of the environment at once',
  KUSTODY_OLD_ROOT_KEY:
    'the one whose place it takes, of the same and of `root-key rotate`, while it is rotated; taken out at once, too',
  PGPASSWORD: 'the password of `--state`, without `--state-password-fd`',
  PGPASSFILE: 'the file of passwords that is looked into where there is none; default: `~/.pgpass`',
  KUSTODY_CLUSTER_URI: 'the cluster of `query` without `--cluster`; a seed sets it',
  BICEP_PATH: 'the compiler of `import bicep`; default: `bicep` on the PATH',
  KUSTODY_DATABASE: 'the database of `query` without `--database`; a seed sets it',
  KUSTODY_GEOIP_DATABASE: 'a city database in MMDB format, for `geo_info_from_ip_address()`',
  KUSTODY_MEMORY_DIRECTORY: 'another tmpfs than `/dev/shm`, for large tables',
  XDG_DATA_HOME: 'where the data directory of a user lies by default, in `kustody` below it',
  XDG_CACHE_HOME: 'where it is kept what starts are faster with, in `kustody` below it',
  LOCALAPPDATA: 'the same on Windows',
  TMPDIR: 'where private instances have their directories',
  NO_PROXY: 'kept, without what would lead past Kustody',
  JAVA_TOOL_OPTIONS: 'kept, with ours after it',
  NODE_EXTRA_CA_CERTS: 'certificates that clients, and Kustody where it reads data, are to trust besides',
};

/** Standard variables of OpenTelemetry: some are read by `kustody`, others by the official exporters. */
const telemetryVariables: Readonly<Record<string, string>> = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'where traces and metrics go, by OTLP over HTTP; without it nowhere',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'the same for traces alone, with its path',
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'the same for metrics alone, with its path',
  OTEL_TRACES_EXPORTER: '`otlp` or `none`; `otlp` without an endpoint goes to `http://localhost:4318`',
  OTEL_METRICS_EXPORTER: 'the same for metrics',
  OTEL_SDK_DISABLED: '`true`: neither traces nor metrics',
  OTEL_EXPORTER_OTLP_PROTOCOL: '`http/protobuf` (default) or `http/json`',
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'the same for traces alone',
  OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'the same for metrics alone',
  OTEL_EXPORTER_OTLP_HEADERS: 'sent along, a token of the receiver perhaps: never logged',
  OTEL_EXPORTER_OTLP_CERTIFICATE: 'a file with the roots that the certificate of the receiver is checked against',
  OTEL_EXPORTER_OTLP_TIMEOUT: 'milliseconds for an export with its repetitions; default 10000',
  OTEL_SERVICE_NAME: 'what this is called in traces and metrics; default `kustody`',
  OTEL_RESOURCE_ATTRIBUTES: 'what is told of it besides',
  OTEL_TRACES_SAMPLER: 'one of the six of the specification; default `parentbased_always_on`',
  OTEL_TRACES_SAMPLER_ARG: 'the share of traces that are recorded, 0 to 1',
  OTEL_BSP_MAX_QUEUE_SIZE: 'spans that wait at most, default 2048; others are lost',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 'spans in one export, default 512',
  OTEL_BSP_SCHEDULE_DELAY: 'milliseconds between two exports of spans, default 5000',
  OTEL_BSP_EXPORT_TIMEOUT: 'milliseconds for which one is waited for, default 30000',
  OTEL_METRIC_EXPORT_INTERVAL: 'milliseconds between two exports of metrics, default 60000',
  OTEL_METRIC_EXPORT_TIMEOUT: 'milliseconds for which one is waited for, default 30000',
};

/** What each variable of `run` and `env` is for. */
const setMeanings: Readonly<Record<string, string>> = {
  HTTPS_PROXY: 'the forward proxy, which answers under the real host names',
  HTTP_PROXY: 'the same',
  https_proxy: 'the same, for clients that read small letters',
  http_proxy: 'the same',
  NO_PROXY: 'this machine is reached directly',
  no_proxy: 'the same',
  NODE_EXTRA_CA_CERTS: 'trust for Node.js: a file with the root certificate',
  NODE_USE_ENV_PROXY: "makes Node's own `fetch` use the proxy, from 22.21 and 24 on",
  REQUESTS_CA_BUNDLE: 'trust for Python: public roots and ours',
  CURL_CA_BUNDLE: 'the same for curl',
  SSL_CERT_FILE: 'the same for OpenSSL, Go and .NET on Linux',
  JAVA_TOOL_OPTIONS: 'proxy and trust store for Java',
  AZURE_TENANT_ID: 'the tenant',
  AZURE_CLIENT_ID: 'the application that owns everything',
  AZURE_CLIENT_SECRET: 'its secret',
  AZURE_SUBSCRIPTION_ID: 'the subscription',
  ARM_TENANT_ID: 'the same four as Terraform has them',
  ARM_CLIENT_ID: 'see there',
  ARM_CLIENT_SECRET: 'see there',
  ARM_SUBSCRIPTION_ID: 'see there',
  AZURE_CONFIG_DIR: 'keeps the login of the Azure CLI apart from yours',
  AZURE_CORE_COLLECT_TELEMETRY: 'the Azure CLI sends nothing home',
  KUSTODY_USERNAME: 'a user who signs in with a password',
  KUSTODY_PASSWORD: 'the password',
  KUSTODY_DATA_DIR: 'the data directory, an absolute path',
  KUSTODY_CONTROL: 'the control API',
  KUSTODY_CONTROL_TOKEN: 'its token: whoever has it may do everything',
  KUSTODY_LOCALHOST_CLUSTER_URI: 'the cluster on localhost, for clients that know neither proxies nor host names',
};

const seedMeanings: Readonly<Record<string, string>> = {
  KUSTODY_CLUSTER_URI: 'the cluster',
  KUSTODY_DATABASE: 'its database',
  KUSTODY_OBJECT_ID: 'the object id of the application, for access policies',
  KUSTODY_VAULT_URI: 'the vault',
  KUSTODY_KEY_ID: 'the key, without a version',
};

const principalMeanings: Readonly<Record<string, string>> = {
  KUSTODY_PRINCIPAL_NAME_OBJECT_ID: 'the object id',
  KUSTODY_PRINCIPAL_NAME_CLIENT_ID: 'the client id of a service principal or managed identity',
  KUSTODY_PRINCIPAL_NAME_CLIENT_SECRET: 'the secret of a service principal',
  KUSTODY_PRINCIPAL_NAME_USERNAME: 'the user principal name of a user',
  KUSTODY_PRINCIPAL_NAME_PASSWORD: 'the password of a user, unless `passwordFrom` names it',
};

/** What tests, campaigns and benchmarks of the repository read. */
export const repositoryVariables: Readonly<Record<string, string>> = {
  KUSTODY_WRITE_DOCS: '1: the tests of the pages write what they would compare',
  KUSTODY_CRASH_RUNS: 'how often crash tests kill',
  KUSTODY_COMMAND_EXAMPLES_STEP: 'every so many-th example of a command is read in both ways, to compare; 1 for all',
  KUSTODY_TAMPERINGS: 'how often a test changes the audit log and looks whether that is found',
  KUSTODY_CASES:
    'all: long runs take every case, and not a few that are drawn anew each time; few, which `npm test` sets: of the files that take long one in ten, too',
  KUSTODY_LATE_FROM:
    'a moment in seconds since 1970: test files that begin later take the counts and samples of `npm test`',
  KUSTODY_PROCESSOR_SECONDS: 'a file that gets a line for each test file: what it took of the processors',
  KUSTODY_SEED: 'what is drawn: the number that a run of tests prints first',
  KUSTODY_AUDITED: 'operations that a test reconciles with their events across kills',
  KUSTODY_CUSTODY_RECORDS: 'records of the catalog of a test that changes custody',
  KUSTODY_REFUSED_TEXTS: 'texts of 16 MiB that a test has refused, to see what memory they leave',
  KUSTODY_MUTATIONS: 'how many bytes are damaged in tests of sealed files',
  KUSTODY_LIFECYCLES: 'random operations on vaults and keys, against a model',
  KUSTODY_MALFORMED:
    'random wrong requests over Key Vault and the resource manager, and as many wrong tokens and requests over all planes and Graph',
  KUSTODY_TEMPLATES: 'random templates that are large, grow or are near a limit',
  KUSTODY_FUZZ: 'random cases of properties, other ones in each run',
  KUSTODY_LARGE_TABLE: 'extents of the large table that a test drops',
  KUSTODY_CAMPAIGN_REVOCATIONS: 'rounds of `npm run campaign -- revocation`',
  KUSTODY_CAMPAIGN_OUTSIDE_REVOCATIONS: 'rounds of `npm run campaign -- outside`',
  KUSTODY_CAMPAIGN_KILLS: 'kills of `npm run campaign -- kills`',
  KUSTODY_CAMPAIGN_POWER_LOSSES: 'losses of power of `npm run campaign -- power-loss`',
  KUSTODY_CAMPAIGN_NODES_SECONDS: 'how long faults go on in `npm run campaign -- nodes`',
  KUSTODY_CAMPAIGN_FAULTS: 'its faults, with commas between; all without',
  KUSTODY_CAMPAIGN_CLUSTERS: 'clusters of `npm run campaign -- idle`',
  KUSTODY_CAMPAIGN_CLIENTS: 'clients of `npm run campaign -- load`',
  KUSTODY_CAMPAIGN_LOAD_SECONDS: 'how long it lasts',
  KUSTODY_TERRAFORM: 'a directory with `tofu` and `terraform-provider-azurerm`, for the test that needs them',
  KUSTODY_BENCH_ROWS: 'rows of the tables of `npm run bench`',
  KUSTODY_BENCH_KQL_ROWS: 'rows of the log of 30 columns of `npm run bench -- kql`, a million without',
  KUSTODY_BENCH_KQL_LARGE_ROWS: 'rows of another of 8 columns, measured one store at a time; none without',
  KUSTODY_BENCH_KQL_QUERY: 'names of the queries of it that are measured, between commas; all of them without',
  KUSTODY_STATE_MIB: 'size of the state that `bench/compaction.ts` makes',
};

const environment = clientEnvironment({
  ...{
    proxyUrl: 'http://127.0.0.1:7480',
    controlUrl: 'https://localhost:7443',
    localhostUri: 'https://localhost:7444',
  },
  ...{ controlToken: '', dataDirectory: '/data', tenantId: '', subscriptionId: '', clientId: '', clientSecret: '' },
  user: { principalName: '', password: '' },
  trust: { extraRootsFile: '', bundleFile: '', javaTrustStoreFile: '', javaTrustStorePassword: '' },
  azureConfigDirectory: '',
  existing: {},
});
const seeded = seedVariables({ clusterUri: '', database: '', vaultUri: 'https://v.vault.azure.net/', keyName: 'k' }, {
  objectId: '',
} as unknown as InstanceEnvironment);
const one = { name: 'name', objectId: '', secret: '' };
const examples = [
  { ...one, type: 'ServicePrincipal', clientId: '' },
  { ...one, type: 'User', userPrincipalName: '' },
] as const;
const namesOf = (from: Environment, isSet: boolean): readonly string[] =>
  Object.keys(from).filter((name) => (from[name] !== undefined) === isSet);

/** The page docs/environment.md. @throws Error for a variable that is set and has no meaning here */
export function environmentPage(): string {
  return [
    '# Environment variables',
    '',
    madeFrom('what sets and reads them'),
    '',
    '## Read by `kustody`',
    '',
    ...table(
      ['Variable', 'Means'],
      Object.entries(readVariables).map(([name, means]) => [code(name), means]),
    ),
    '',
    '## Traces and metrics',
    '',
    'Of [OpenTelemetry](containers.md#traces), read by `up`, `run` and `article`:',
    '',
    ...table(
      ['Variable', 'Means'],
      Object.entries(telemetryVariables).map(([name, means]) => [code(name), means]),
    ),
    '',
    '## Set by `run` and `env`',
    '',
    ...table(['Variable', 'Means'], described(namesOf(environment, true), setMeanings)),
    '',
    wrapped(
      `Taken away, since they would lead past Kustody or bring credentials of the real service to it: ${codes(namesOf(environment, false))}.`,
    ),
    '',
    '## Set by a seed',
    '',
    'By `run --seed`, and printed by `up --seed`:',
    '',
    ...table(['Variable', 'Means'], described(Object.keys(seeded), seedMeanings)),
    '',
    wrapped(
      'By `run` and `env`, for each principal that a `kustody.yaml` has named, with its name in capitals and `_` for all that is neither a letter nor a digit:',
    ),
    '',
    ...table(['Variable', 'Means'], described(Object.keys(principalVariables(examples)), principalMeanings)),
    '',
    '## Read by tests, campaigns and benchmarks',
    '',
    ...table(
      ['Variable', 'Means'],
      Object.entries(repositoryVariables).map(([name, means]) => [code(name), means]),
    ),
    '',
  ].join('\n');
}

function described(
  names: readonly string[],
  meanings: Readonly<Record<string, string>>,
): readonly (readonly string[])[] {
  const gone = Object.keys(meanings).filter((name) => !names.includes(name));
  if (gone.length > 0) throw new Error(`Not set any more: ${gone.join(', ')}.`);
  return names.map((name) => {
    const means = meanings[name];
    if (means === undefined) throw new Error(`Nothing says what ${name} means.`);
    return [code(name), means];
  });
}

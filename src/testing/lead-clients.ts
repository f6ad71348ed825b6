import { syncBuiltinESMExports } from 'node:module';
import tls from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { entraHosts } from '../identity/entra/discovery.ts';

/** Where an edge listens, and the root certificate (PEM) that its hosts are under. */
export interface Lead {
  readonly port: number;
  readonly ca: string;
}

interface Leading {
  lead: Lead;
  readonly original: typeof tls.connect;
}

/** On the module itself: programs such as Jest load this file once for each test file, and the module once. */
const leadingKey = Symbol.for('kustody.leading');
const exact: ReadonlySet<string> = new Set([...entraHosts, 'graph.microsoft.com', 'management.azure.com']);
const suffixes = ['.vault.azure.net', '.kusto.windows.net'] as const;

/** Hosts that no client of a led process reaches in Azure. */
export const isLedHost = (host: string): boolean =>
  exact.has(host.toLowerCase()) || suffixes.some((suffix) => host.toLowerCase().endsWith(suffix));

/** Leads every TLS connection of this process to a host of Azure that Kustody serves to this edge, whoever opens it: `https`, `fetch`,
 * axios, the SDKs. Other hosts are reached as before, and so is everything without TLS. Connections through a proxy of the environment
 * are led, too; the proxies are told to leave these hosts alone.
 * @param env whose NO_PROXY is extended */
export function leadClients(lead: Lead, env: NodeJS.ProcessEnv): void {
  const holder = tls as typeof tls & { [leadingKey]?: Leading };
  if (holder[leadingKey] !== undefined) {
    holder[leadingKey].lead = lead;
    return;
  }
  const leading: Leading = { lead, original: tls.connect };
  holder[leadingKey] = leading;
  const connect = (...args: readonly unknown[]): TLSSocket => {
    const { options, host, callback } = argumentsOf(args);
    const original = leading.original as (...given: readonly unknown[]) => TLSSocket;
    if (host === undefined || !isLedHost(host)) return original(...args);
    options.socket?.destroy(); // the tunnel of a proxy
    return original(ledOptions(options, host, leading.lead), ...(callback === undefined ? [] : [callback]));
  };
  tls.connect = connect;
  syncBuiltinESMExports();
  const noProxy = [...exact, ...suffixes].join(',');
  for (const name of ['NO_PROXY', 'no_proxy']) env[name] = [env[name] ?? '', noProxy].filter(Boolean).join(',');
}

function ledOptions(options: ConnectionOptions, host: string, { port, ca }: Lead): ConnectionOptions {
  const led: ConnectionOptions = { ...options, host: '127.0.0.1', port, ca, servername: options.servername ?? host };
  for (const name of ['socket', 'secureContext', 'path', 'lookup', 'localAddress', 'family'])
    Reflect.deleteProperty(led, name);
  return led;
}

/** As `tls.connect` takes them: (options), (port, host, options) or (path, options), each with a callback. */
function argumentsOf(args: readonly unknown[]): {
  readonly options: ConnectionOptions;
  readonly host: string | undefined;
  readonly callback: unknown;
} {
  const options = (args.find((one) => typeof one === 'object' && one !== null) ?? {}) as ConnectionOptions;
  const given = typeof args[0] !== 'object' && typeof args[1] === 'string' ? args[1] : undefined;
  const names = [options.servername, given, options.host];
  const host = names.find((name) => typeof name === 'string' && name !== '');
  return { options, host, callback: args.find((one) => typeof one === 'function') };
}

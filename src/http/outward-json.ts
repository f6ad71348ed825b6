import { lookup } from 'node:dns/promises';
import { request } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { HostName } from '../base/names.ts';
import { isAllowedAddress, isAllowedPort } from './allowed-hosts.ts';
import type { AllowedHost } from './allowed-hosts.ts';
import type { EdgeContext } from './edge-context.ts';
import { parseHost } from './request-target.ts';

/** Reads a JSON document from a host elsewhere. @throws OutwardError */
export type ReadJson = (url: string) => Promise<unknown>;

export interface OutwardOptions {
  /** What is let through for clients is let through for us, and nothing else. */
  readonly allowedHosts: readonly AllowedHost[];
  readonly resolveHost?: EdgeContext['resolveHost'];
  /** PEM, in place of the roots that Node.js trusts. */
  readonly ca?: string;
  readonly timeoutMs?: number;
  readonly bytesMax?: number;
  /** Default: strict JSON. */
  readonly parse?: (text: string) => unknown;
}

/** `notAllowed`: nobody let the host through. `failed`: it was asked, and no usable answer came. */
export class OutwardError extends Error {
  override readonly name = 'OutwardError';
  constructor(
    readonly reason: 'notAllowed' | 'failed',
    /** As `--allow` takes it. */
    readonly host: string,
    why: string,
  ) {
    super(why);
  }
}

const defaults = { timeoutMs: 10_000, bytesMax: 256 * 1024 } as const;

/** By https alone, from addresses that were looked at, without following anything: what somebody writes into a record must not lead this
 * program to hosts that its user has not named. */
export function createOutwardReader({ allowedHosts, ...more }: OutwardOptions): ReadJson {
  const { timeoutMs, bytesMax } = { ...defaults, ...more };
  const resolve = more.resolveHost ?? ((host: HostName) => lookup(host, { all: true }));
  const parse: (text: string) => unknown = more.parse ?? JSON.parse;
  return async (text) => {
    const url = URL.parse(text);
    const host = url === null ? undefined : parseHost(url.hostname.replace(/^\[(.*)\]$/, '$1'));
    if (url?.protocol !== 'https:' || host === undefined || url.username !== '' || url.password !== '')
      throw new OutwardError('failed', '', 'It is no https address.');
    const port = url.port === '' ? 443 : Number(url.port);
    const shown = port === 443 ? host : `${host}:${port}`;
    if (!isAllowedPort(allowedHosts, host, port))
      throw new OutwardError('notAllowed', shown, `Host '${shown}' is not let through.`);
    const found = await resolve(host).catch(() => []);
    const addresses = found.filter(({ address }) => isAllowedAddress(allowedHosts, host, address));
    if (addresses.length === 0)
      throw new OutwardError('failed', shown, `Host '${shown}' has no address that is let through.`);
    const lookUp: LookupFunction = (_host, options, callback) => {
      const [first = { address: '', family: 4 }] = addresses;
      if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    };
    try {
      return await parse(
        await get(url, lookUp, { timeoutMs, bytesMax, ...(more.ca === undefined ? {} : { ca: more.ca }) }),
      );
    } catch (error) {
      throw new OutwardError('failed', shown, error instanceof Error ? error.message : 'It could not be read.');
    }
  };
}

interface Exchange {
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly ca?: string;
}

function get(url: URL, lookUp: LookupFunction, { timeoutMs, bytesMax, ...trust }: Exchange): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs); // of the whole exchange, however slowly it drips
    const headers = { accept: 'application/json', 'user-agent': 'kustody' };
    const sent = request(url, { lookup: lookUp, agent: false, signal, headers, ...trust }, (answer) => {
      answer.on('error', reject);
      if (answer.statusCode !== 200) {
        answer.destroy();
        reject(new Error(`It answered with status ${answer.statusCode}.`));
        return;
      }
      const pieces: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (piece: Buffer) => {
        bytes += piece.byteLength;
        if (bytes <= bytesMax) pieces.push(piece);
        else answer.destroy(new Error('Its answer is too long.'));
      });
      answer.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
    });
    sent.on('error', reject).end();
  });
}

import { Type } from '@sinclair/typebox';
import type { Message } from './message.ts';
import { guid, hostName, object, reader, text } from './message.ts';

/** A token for `identity` to show to `host`. `audience`: the resource. `authority`: address of the authority and tenant that the vault's
 * challenge says that it believes; undefined when it names none. `clusterId`: whose key it is for, from a process that visits keys. */
const tokenCall = object({
  ...{ identity: guid, host: hostName, audience: text(300) },
  authority: Type.Optional(Type.Union([text(300), Type.Undefined()])),
  clusterId: Type.Optional(Type.Union([guid, Type.Undefined()])),
});

/** Where a host is. */
const resolveCall = object({ host: hostName });

/** What a cluster process asks of its supervisor to reach a vault. */
export interface VaultCalls {
  readonly resolve: Message<typeof resolveCall>;
  readonly token: Message<typeof tokenCall>;
}

/** @throws ProtocolError */
export const readVaultCall = { resolve: reader('resolve', resolveCall), token: reader('token', tokenCall) };

/** What a token must be, as the vault says. */
export type TokenTarget = Pick<VaultCalls['token'], 'audience' | 'authority'>;

export type TokenAnswer =
  | { readonly outcome: 'token'; readonly token: string; readonly expiresOn: number }
  /** @see KeyFailureCause; `noIdentity` unless said otherwise */
  | { readonly outcome: 'refused'; readonly reason: string; readonly cause?: 'credentialRefused' }
  /** Nothing is known: the authority of an outside vault could not be asked. */
  | { readonly outcome: 'unavailable'; readonly reason: string };

/** `ours`: behind our edge. `absent`: nobody has that name. `outside`: a real vault that was configured by name. */
export type HostAnswer =
  | { readonly where: 'ours' }
  | { readonly where: 'absent' }
  | { readonly where: 'outside'; readonly route: OutsideRoute };

/** Our own listener: whatever a vault is called, the connection goes there and nowhere else. */
export interface Edge {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** PEM of the only authority that is trusted. */
  readonly ca: string;
}

/** The way to a host outside of Kustody, port 443: by its name, or through a proxy that was named. */
export interface OutsideRoute {
  /** PEM of the only authorities that are trusted; undefined: the public ones, and nothing that the environment adds to them. */
  readonly ca?: string;
  /** Speaks plain HTTP with us and opens tunnels (CONNECT). What the environment says of proxies counts for nothing. */
  readonly proxy?: { readonly host: string; readonly port: number };
}

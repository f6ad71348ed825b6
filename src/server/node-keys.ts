import type { Socket } from 'node:net';
import { systemRandomBytes } from '../base/random.ts';
import { nodeAddressText } from '../http/advertised-address.ts';
import type { EdgeOptions } from '../http/edge.ts';
import type { StartTimer } from '../http/timer.ts';
import type { ServerSettings } from './settings.ts';

/** Nodes look every second for who serves, and by which key; one that has not for so long has lost its connection, or is paused. */
const lookedMsMax = 6_000;

/** By what nodes prove to the one that serves that they are of its instance. */
export class NodeKeys {
  readonly #startTimer: StartTimer;
  #keys: readonly Uint8Array[] = [];
  /** What has proved itself by each, and is open. */
  readonly #proved = new Map<Uint8Array, Set<Socket>>();

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  /** Each counts. */
  get all(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** @param key the address is signed with it from now on. Others go on with the one before until they have seen that: it counts for so long */
  sign(key: Uint8Array): void {
    if (this.#keys[0] !== undefined && Buffer.compare(this.#keys[0], key) === 0) return;
    this.#keys = [key, ...this.#keys.slice(0, 1)];
    if (this.#keys.length > 1) this.#startTimer(lookedMsMax, () => this.#keep(key));
  }

  /** @param socket ends with the key that it has proved itself by, if not before */
  outlivesNot(key: Uint8Array, socket: Socket): void {
    if (!this.#keys.includes(key)) socket.destroy();
    if (socket.destroyed) return;
    const proved = this.#proved.get(key) ?? new Set();
    this.#proved.set(key, proved.add(socket));
    socket.once('close', () => proved.delete(socket));
  }

  #keep(key: Uint8Array): void {
    if (this.#keys[0] !== key) return; // another one is signed with since, which says what goes
    this.#keys = [key];
    for (const [one, sockets] of this.#proved) {
      if (one === key) continue;
      this.#proved.delete(one);
      for (const socket of sockets) socket.destroy();
    }
  }
}

/** @param boundPort known when the edge listens */
export function passingOf(
  { advertise, rootKey, listen: { host } }: ServerSettings,
  boundPort: () => number,
  keys: NodeKeys,
): EdgeOptions['nodes'] {
  if (advertise === undefined || rootKey === undefined) return undefined;
  return {
    ...{ keys: () => keys.all, randomBytes: systemRandomBytes, listen: { host, port: advertise.port } },
    advertised: () => nodeAddressText({ host: advertise.host, port: boundPort() }),
  };
}

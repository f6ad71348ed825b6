import type { HostName } from '../base/names.ts';

/** A host that the proxy refused, and how often. */
export interface RefusedHost {
  readonly host: HostName;
  /** `foreign`: not one of ours and not let through; `absent`: of a domain of ours, which has no such host. */
  readonly why: 'foreign' | 'absent';
  readonly times: number;
}

/** Clients choose the names: the least recently refused one goes. */
const hostsMax = 100;

/** What clients of this instance asked for in vain: the first thing to look at when one of them fails. */
export class RefusedHosts {
  readonly #hosts = new Map<HostName, RefusedHost>();

  add(host: HostName, why: RefusedHost['why']): void {
    const times = (this.#hosts.get(host)?.times ?? 0) + 1;
    this.#hosts.delete(host);
    this.#hosts.set(host, { host, why, times });
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > hostsMax && oldest !== undefined) this.#hosts.delete(oldest);
  }

  /** The most recent one last. */
  list(): readonly RefusedHost[] {
    return [...this.#hosts.values()];
  }
}

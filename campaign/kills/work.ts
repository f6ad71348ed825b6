import type { Found, Ledger } from './ledger.ts';
import type { LiveServer } from './live-server.ts';

/** Holds that work of a kind is under way, until it was answered. */
export type Doing = <T>(kind: string, act: () => Promise<T>) => Promise<T>;

/** Does one thing after the other while processes are killed. */
export interface Lane {
  /** The kinds of work that it does. */
  readonly kinds: readonly string[];
  /** It changes the resource of the cluster: of two such changes at the same time one is refused, so they take turns. */
  readonly changesCluster?: boolean;
  /** @param number never the same
   * @throws when it was not acknowledged */
  readonly once: (number: number) => Promise<void>;
}

/** Changes of one kind of thing, and how to find the things again. */
export interface Work {
  /** The noun of its ledger. */
  readonly noun: string;
  /** Of its lanes. */
  readonly kinds: readonly string[];
  /** Once, for a new instance. */
  readonly setUp?: (server: LiveServer, ledger: Ledger) => Promise<void>;
  readonly lanes: (server: LiveServer, ledger: Ledger, doing: Doing) => readonly Lane[];
  readonly found: (server: LiveServer, ledger: Ledger) => Promise<Found>;
  /** What was found after a kill stays, whether it was acknowledged or not. */
  readonly settles?: boolean;
  /** After nothing was found wrong: keeps the instance small. */
  readonly tidy?: (server: LiveServer, ledger: Ledger) => Promise<void>;
  /** What is to be found when all that was acknowledged lately is undone. */
  readonly losses: readonly RegExp[];
}

export const isLost = / is lost$/;
export const isBack = / is there again$/;

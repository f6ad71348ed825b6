import { createHash, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from '../base/random.ts';
import type { MonotonicClock, MonotonicMs } from '../clock/monotonic-clock.ts';

export const sessionLimits = {
  /** A link is for the moment in which it was asked for. */
  linkMs: 2 * 60_000,
  linksMax: 8,
  /** Without a request. */
  idleMs: 2 * 3_600_000,
  sessionMs: 12 * 3_600_000,
  sessionsMax: 16,
} as const;

/** Both are needed, in every request. Scripts cannot read the cookie; other programs on localhost, which browsers send it to, do not get the page token. */
export interface OpenedSession {
  readonly cookie: string;
  readonly pageToken: string;
}

interface Session {
  readonly pageToken: Buffer;
  readonly openedAt: MonotonicMs;
  usedAt: MonotonicMs;
}

/** Who may use the portal. Links come from the holder of the control token, lead to one session each, and end soon; sessions end by
 * monotonic time, and with the process, as its control token does. Only digests are kept. */
export class PortalSessions {
  readonly #links = new Map<string, MonotonicMs>();
  readonly #sessions = new Map<string, Session>();
  readonly #randomBytes: RandomBytes;
  readonly #monotonic: Pick<MonotonicClock, 'now'>;

  constructor(randomBytes: RandomBytes, monotonic: Pick<MonotonicClock, 'now'>) {
    this.#randomBytes = randomBytes;
    this.#monotonic = monotonic;
  }

  /** @returns the secret of a link */
  newLink(): string {
    const secret = this.#newSecret();
    this.#links.set(digest(secret).toString('hex'), this.#monotonic.now());
    keepNewest(this.#links, sessionLimits.linksMax);
    return secret;
  }

  /** @returns undefined for a link that was never made, was used, or is over */
  exchange(link: string): OpenedSession | undefined {
    const id = digest(link).toString('hex');
    const madeAt = this.#links.get(id);
    this.#links.delete(id);
    const now = this.#monotonic.now();
    if (madeAt === undefined || now - madeAt > sessionLimits.linkMs) return undefined;
    const opened = { cookie: this.#newSecret(), pageToken: this.#newSecret() };
    const session = { pageToken: digest(opened.pageToken), openedAt: now, usedAt: now };
    this.#sessions.set(digest(opened.cookie).toString('hex'), session);
    keepNewest(this.#sessions, sessionLimits.sessionsMax);
    return opened;
  }

  /** Counts as a use. */
  admits(cookie: string, pageToken: string): boolean {
    const id = digest(cookie).toString('hex');
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    const now = this.#monotonic.now();
    if (now - session.usedAt > sessionLimits.idleMs || now - session.openedAt > sessionLimits.sessionMs) {
      this.#sessions.delete(id);
      return false;
    }
    if (!timingSafeEqual(session.pageToken, digest(pageToken))) return false;
    session.usedAt = now;
    return true;
  }

  end(cookie: string): void {
    this.#sessions.delete(digest(cookie).toString('hex'));
  }

  #newSecret(): string {
    return Buffer.from(this.#randomBytes(32)).toString('base64url');
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The oldest go. */
function keepNewest(entries: Map<string, unknown>, max: number): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= max) return;
    entries.delete(oldest);
  }
}

import type { NamedPrincipal } from '../../authz/role-changes.ts';
import type { Instant } from '../../clock/clock.ts';

/** Somebody whose requests a cluster denies, whatever roles they have. */
export interface BlockedPrincipal extends NamedPrincipal {
  /** Only requests whose header `x-ms-app` says so; empty: all. */
  readonly application: string;
  /** Only requests whose header `x-ms-user` says so; empty: all. */
  readonly user: string;
  readonly until: Instant;
  readonly reason: string;
}

/** Who sends a request, and what its headers say. */
interface Sender {
  readonly fqn: string;
  /** Its groups, and what else it is known by. */
  readonly memberOf: readonly string[];
  readonly application: string;
  readonly user: string;
}

interface Blocking {
  readonly blockedPrincipals?: readonly BlockedPrincipal[];
}

/** A time that has passed blocks nobody any more. */
export const blockedNow = ({ blockedPrincipals = [] }: Blocking, now: Instant): readonly BlockedPrincipal[] =>
  blockedPrincipals.filter(({ until }) => until > now);

/** @returns why a request is denied; undefined: it is not */
export const blockOf = (settings: Blocking, sender: Sender, now: Instant): BlockedPrincipal | undefined =>
  blockedNow(settings, now).find(
    ({ fqn, application, user }) =>
      (fqn === sender.fqn || sender.memberOf.includes(fqn)) &&
      (application === '' || application === sender.application) &&
      (user === '' || user === sender.user),
  );

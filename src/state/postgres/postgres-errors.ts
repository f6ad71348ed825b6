/** Another Kustody serves this state. */
export class StateInUseError extends Error {
  override readonly name = 'StateInUseError';
  constructor(state: string) {
    super(`The state ${state} is in use by another Kustody. Stop that one: several on one state are not built.`);
  }
}

/** The database is not one that a state may be kept in. */
export class StateDatabaseError extends Error {
  override readonly name = 'StateDatabaseError';
}

/** The connection that holds the state's lock is gone, or another Kustody has taken the state over. Nothing more is read or written. */
export class StateLostError extends Error {
  override readonly name = 'StateLostError';
  constructor(state: string, why: string, options?: ErrorOptions) {
    super(`The state ${state} is lost: ${why}. This Kustody serves no longer; start it again.`, options);
  }
}

/** The connection was lost while a commit was under way, and nobody can say whether it was made. */
export class StateOutcomeUnknownError extends Error {
  override readonly name = 'StateOutcomeUnknownError';
  constructor(state: string, options?: ErrorOptions) {
    super(
      `The connection to the state ${state} was lost during a commit, and whether it was made cannot be found out.`,
      options,
    );
  }
}

/** An index of PostgreSQL holds no longer names. */
export class StateNameTooLongError extends Error {
  override readonly name = 'StateNameTooLongError';
  constructor(readonly bytes: number) {
    super(`A record's name of ${bytes} bytes is too long for a state in PostgreSQL.`);
  }
}

/** A newer Kustody wrote the state. */
export class StateFormatTooNewError extends Error {
  override readonly name = 'StateFormatTooNewError';
  constructor(state: string, found: number, known: number) {
    super(`The state ${state} has format ${found}; this Kustody knows formats up to ${known}. Use a newer Kustody.`);
  }
}

/** A mistake or situation that the user can mend. Printed as text and hint, without a stack trace; exit code 1 unless given. */
export class UserError extends Error {
  override readonly name = 'UserError';
  constructor(
    message: string,
    readonly hint?: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

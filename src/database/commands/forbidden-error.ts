/** The caller lacks a role that a command needs: 403, `KustoRequestDeniedException`. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError';
}

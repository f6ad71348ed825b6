/** Somebody has stopped a node that stands by. */
export class StandbyEndedError extends Error {
  override readonly name = 'StandbyEndedError';
  constructor() {
    super('This node stood by, and was stopped.');
  }
}

/** What one client asked and what it was told. Times are milliseconds of one monotonic clock. */
export type Operation = Action & {
  readonly client: string;
  readonly began: number;
  /** When the answer was there whole, or nobody waited for it any more. */
  readonly ended: number;
  /** `fail`: it was refused, and nothing of it happened. `unknown`: it may have happened, or may yet. */
  readonly outcome: 'ok' | 'fail' | 'unknown';
};

export type Action =
  /** @param late sent to a node that was paused, which woke only after another had served: it must come to nothing */
  | { readonly kind: 'ingest'; readonly table: string; readonly rows: readonly string[]; readonly late?: true }
  /** All rows of a table, as they were answered; none unless it is `ok`. */
  | { readonly kind: 'read'; readonly table: string; readonly rows: readonly string[] }
  /** Each value is put once. */
  | { readonly kind: 'put'; readonly register: string; readonly value: string }
  /** The value that was answered; '' is the first one. */
  | { readonly kind: 'get'; readonly register: string; readonly value: string }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'restore' }
  | { readonly kind: 'rotate' };

export type OperationOf<Kind extends Action['kind']> = Extract<Operation, { readonly kind: Kind }>;

export const operationsOf = <Kind extends Action['kind']>(
  history: readonly Operation[],
  kind: Kind,
): readonly OperationOf<Kind>[] =>
  history.filter((operation): operation is OperationOf<Kind> => operation.kind === kind);

/** What holds for all of one compilation: bodies of functions are bound when a builder first asks for them. */
export interface BindOptions {
  readonly database: string;
  /** Unions that do not say so are fuzzy. */
  readonly bestEffort: boolean;
}

const none: BindOptions = { database: '', bestEffort: false };
let current = none;

/** Of the compilation that goes on. The binder has no place of its own for them. */
export const bindOptions = (): BindOptions => current;

export function withBindOptions<T>(options: BindOptions, compile: () => T): T {
  const before = current;
  current = options;
  try {
    return compile();
  } finally {
    current = before;
  }
}

import type { Json } from '../../../base/json.ts';

/** What a deployment has been asked of the running service so far: its plan sees it, and evaluates again. */
export class Answers {
  readonly #values = new Map<string, { readonly value: Json }>();
  readonly find = (need: { readonly key: string }): { readonly value: Json } | undefined => this.#values.get(need.key);

  add(key: string, value: Json): void {
    this.#values.set(key, { value });
  }
}

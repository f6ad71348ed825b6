import { invariant } from '../base/invariant.ts';
import type { ListOptions, RecordCommit, StateStore, StoredRecord } from './state-store.ts';

export class InjectedFailure extends Error {
  override readonly name = 'InjectedFailure';
}

export interface FailurePlan {
  /** Which commit fails, counted from 1. */
  readonly onCommit: number;
  /** `before`: nothing was written. `after`: it is durable, but nobody is told, as when a machine dies just then. */
  readonly when: 'before' | 'after';
}

/** A store whose nth commit fails; from then on everything fails, until the store below is opened anew. */
export class FailingStateStore implements StateStore {
  readonly #below: StateStore;
  readonly #plan: FailurePlan;
  #commits = 0;
  #failed = false;

  constructor(below: StateStore, plan: FailurePlan) {
    invariant(plan.onCommit >= 1, 'commits are counted from 1');
    this.#below = below;
    this.#plan = plan;
  }

  async get(table: string, id: string): Promise<StoredRecord | undefined> {
    this.#check();
    return this.#below.get(table, id);
  }

  async list(table: string, options?: ListOptions): Promise<readonly StoredRecord[]> {
    this.#check();
    return this.#below.list(table, options);
  }

  async tables(): Promise<readonly string[]> {
    this.#check();
    return this.#below.tables();
  }

  async commit(commit: RecordCommit): Promise<void> {
    this.#check();
    this.#commits += 1;
    if (this.#commits !== this.#plan.onCommit) return this.#below.commit(commit);
    this.#failed = true;
    if (this.#plan.when === 'after') await this.#below.commit(commit);
    throw new InjectedFailure(`Commit ${this.#commits} fails ${this.#plan.when} it is durable.`);
  }

  async compact(): Promise<void> {
    this.#check();
    return this.#below.compact();
  }

  close(): Promise<void> {
    return this.#below.close();
  }

  /** How many commits were tried. */
  commits(): number {
    return this.#commits;
  }

  #check(): void {
    if (this.#failed) throw new InjectedFailure('This store has failed before.');
  }
}

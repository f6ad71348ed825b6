import { useSyncExternalStore } from 'react';
import type { Answer, Failure } from './answer/answer.ts';
import type { Statement } from './editor/statement.ts';

/** Tabs, results and history live in the memory of this page, and nowhere else: browsers write their storages to disks, where what a
 * cluster holds under a key must not lie in the clear. Reloading the page forgets them. */
export interface QueryTab {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly host: string;
  readonly database: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly run?: Run;
}

export interface Run {
  readonly statement: Statement;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly answer?: Answer;
  readonly failure?: Failure;
  readonly seconds?: number;
}

export interface Past {
  readonly text: string;
  readonly host: string;
  readonly database: string;
  readonly at: Date;
  readonly state: Run['state'];
}

interface State {
  readonly tabs: readonly QueryTab[];
  readonly current: string;
  /** Newest first. */
  readonly past: readonly Past[];
}

const pastMax = 100;
export const tabsMax = 20;

let made = 0;
const emptyTab = (given: Partial<QueryTab> = {}): QueryTab => {
  made += 1;
  return {
    id: `tab${String(made)}`,
    title: `Query ${String(made)}`,
    text: '',
    host: '',
    database: '',
    parameters: {},
    ...given,
  };
};

const first = emptyTab();
let state: State = { tabs: [first], current: first.id, past: [] };
const listeners = new Set<() => void>();

function change(next: Partial<State>): void {
  state = { ...state, ...next };
  for (const listener of listeners) listener();
}

export const useQueryTabs = (): State =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => state,
  );

export const changeTab = (id: string, next: Partial<QueryTab>): void =>
  change({ tabs: state.tabs.map((tab) => (tab.id === id ? { ...tab, ...next } : tab)) });

export const showTab = (id: string): void => change({ current: id });

/** Beyond twenty tabs the current one is used. */
export function addTab(given: Partial<QueryTab>): void {
  if (state.tabs.length >= tabsMax) {
    changeTab(state.current, given);
    return;
  }
  const tab = emptyTab(given);
  change({ tabs: [...state.tabs, tab], current: tab.id });
}

export function closeTab(id: string): void {
  const rest = state.tabs.filter((tab) => tab.id !== id);
  const tabs = rest.length === 0 ? [emptyTab()] : rest;
  const current = tabs.some((tab) => tab.id === state.current) ? state.current : (tabs.at(-1)?.id ?? '');
  change({ tabs, current });
}

export const remember = (past: Past): void => change({ past: [past, ...state.past].slice(0, pastMax) });
export const forgetPast = (): void => change({ past: [] });

import { useSyncExternalStore } from 'react';

export type Scheme = 'light' | 'dark';

const key = 'kustody.color-scheme';
const changes = new EventTarget();
const system = matchMedia('(prefers-color-scheme: dark)');

/** What the user chose, else what the system has. */
export const useScheme = (): Scheme => useSyncExternalStore(subscribe, current);

export function chooseScheme(scheme: Scheme): void {
  localStorage.setItem(key, scheme);
  changes.dispatchEvent(new Event('change'));
}

function current(): Scheme {
  const chosen = localStorage.getItem(key);
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return system.matches ? 'dark' : 'light';
}

function subscribe(changed: () => void): () => void {
  changes.addEventListener('change', changed);
  system.addEventListener('change', changed);
  return () => {
    changes.removeEventListener('change', changed);
    system.removeEventListener('change', changed);
  };
}

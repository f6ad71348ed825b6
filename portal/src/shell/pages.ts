import type { ComponentType } from 'react';

export interface Page {
  /** First part of its address; the first page has an empty one. */
  readonly id: string;
  readonly title: string;
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

/** In the order of the navigation. */
export const pages: readonly Page[] = [
  { id: '', title: 'Overview', load: () => import('../overview/page.tsx') },
  { id: 'query', title: 'Query', load: () => import('../query/page.tsx') },
  { id: 'keys', title: 'Keys', load: () => import('../keys/page.tsx') },
  { id: 'traffic', title: 'Traffic', load: () => import('../traffic/page.tsx') },
  { id: 'drill', title: 'Drill', load: () => import('../drill/page.tsx') },
  { id: 'administration', title: 'Administration', load: () => import('../admin/page.tsx') },
  { id: 'errors', title: 'Errors', load: () => import('../errors/page.tsx') },
  { id: 'proof', title: 'Proof', load: () => import('../proof/page.tsx') },
];

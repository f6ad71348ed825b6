export interface SuiteRules {
  readonly passed: number;
  readonly failing: Readonly<Record<string, string>>;
  readonly skipped: Readonly<Record<string, string>>;
}

export interface SeenTest {
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly message?: string;
}

export function judgeSuite(rules: SuiteRules, seen: readonly SeenTest[]): string[];

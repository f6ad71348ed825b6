import eslint from '@eslint/js';
import { existsSync } from 'node:fs';
import tseslint from 'typescript-eslint';

// Types of its packages are half of what the rules look at: without them all would be wrong. CI has built it.
const portal = existsSync('portal/node_modules') ? [] : ['portal'];
if (portal.length > 0) console.error('portal/ is not linted: `npm run build:portal` installs its packages.');

export default tseslint.config(
  { ignores: ['dist', 'coverage', '**/node_modules', 'vectors', '.cache', ...portal] },
  eslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        require: 'readonly',
        module: 'readonly',
        __dirname: 'readonly',
      },
    },
  },
);

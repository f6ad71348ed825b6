import { leadToShared } from './shared.ts';

// Runs before each test file: whatever it imports comes here.
leadToShared(process.env);

import { fixSeed } from './fuzz.ts';

fixSeed();

import { tearDown } from './jest-run.ts';

export default tearDown;

import type { FunctionCases } from './case-rows.ts';

export const arithmeticCases: FunctionCases = {
  '+': ['i+j', 'm+1', 'x+i', 't+d', 'o+1'],
  '-': ['i-j', 'm-m', 't-d', 't-datetime(2000-01-01)', 'o-0.5'],
  '*': ['i*2', 'i*i', 'j*x', 'm*2', 'm*m', 'x*x', 'd*2', 'd*x', 'd*m', 'x*d', 'o*2'],
  '/': ['i/2', 'i/j', 'x/2', 'x/0', 'j/2', 'm/3', 'm/0', 'd/2', 'd/x', 'd/1h', 'd/d', 'o/2'],
  '%': ['i%3', 'i%j', 'j%2', 'x%2', 'x%0.0', 'm%2', 'd%1h', 'o%2'],
  neg: ['-i', '-j', '-x', '-m', '-d', '-o'],
};

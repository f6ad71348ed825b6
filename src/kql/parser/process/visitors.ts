import { buildExpression } from './expressions.ts';
import { declare } from './statements.ts';
import { buildTabular } from './tables.ts';
import type { Visitors } from './visit.ts';

export const visitors: Visitors = { expression: buildExpression, table: buildTabular, statement: declare };

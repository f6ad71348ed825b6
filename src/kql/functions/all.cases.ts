import type { FunctionCases } from './case-rows.ts';
import { arithmeticCases } from './arithmetic.cases.ts';
import { arrayCases } from './array.cases.ts';
import { bagCases } from './bag.cases.ts';
import { comparisonCases } from './comparison.cases.ts';
import { conditionalCases } from './conditional.cases.ts';
import { contextCases } from './context.cases.ts';
import { conversionCases } from './conversion.cases.ts';
import { datetimeCases } from './datetime.cases.ts';
import { datetimeTextCases } from './datetime-text.cases.ts';
import { dynamicCases } from './dynamic.cases.ts';
import { encodingCases } from './encoding.cases.ts';
import { geoCases } from './geo.cases.ts';
import { geoCellsCases } from './geo-cells.cases.ts';
import { geoPartialCases } from './geo-partial.cases.ts';
import { hashCases } from './hash.cases.ts';
import { ipCases } from './ip.cases.ts';
import { legacyCases } from './legacy.cases.ts';
import { mathCases } from './math.cases.ts';
import { parseTextCases } from './parse-text.cases.ts';
import { seriesCases } from './series.cases.ts';
import { seriesAnalysisCases } from './series-analysis.cases.ts';
import { seriesFillCases } from './series-fill.cases.ts';
import { sketchCases } from './sketch.cases.ts';
import { statisticsCases } from './statistics.cases.ts';
import { stringCases } from './string.cases.ts';
import { termsCases } from './terms.cases.ts';
import { unitCases } from './unit.cases.ts';
import { userAgentCases } from './user-agent.cases.ts';
import { xmlCases } from './xml.cases.ts';

/** The cases of every function, by the file of its row. */
export const cases: Readonly<Record<string, FunctionCases>> = {
  arithmetic: arithmeticCases,
  array: arrayCases,
  bag: bagCases,
  comparison: comparisonCases,
  conditional: conditionalCases,
  context: contextCases,
  conversion: conversionCases,
  datetime: datetimeCases,
  'datetime-text': datetimeTextCases,
  dynamic: dynamicCases,
  encoding: encodingCases,
  geo: geoCases,
  'geo-cells': geoCellsCases,
  'geo-partial': geoPartialCases,
  hash: hashCases,
  ip: ipCases,
  legacy: legacyCases,
  math: mathCases,
  'parse-text': parseTextCases,
  series: seriesCases,
  'series-analysis': seriesAnalysisCases,
  'series-fill': seriesFillCases,
  sketch: sketchCases,
  statistics: statisticsCases,
  string: stringCases,
  terms: termsCases,
  unit: unitCases,
  'user-agent': userAgentCases,
  xml: xmlCases,
};

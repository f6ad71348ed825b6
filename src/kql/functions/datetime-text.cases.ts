import type { FunctionCases } from './case-rows.ts';

export const datetimeTextCases: FunctionCases = {
  around: [
    'around(i,5,4)',
    'around(x,1.0,0.75)',
    'around(t,datetime(2024-01-01),60d)',
    'around(d,1h,30m)',
    'around(o,2,1)',
  ],
  datetime_part: ['datetime_part("hour",t)', 'datetime_part("week_of_year",t)'],
  datetime_utc_to_local: ['datetime_utc_to_local(t,"Europe/Berlin")'],
  datetime_local_to_utc: ['datetime_local_to_utc(t,"US/Pacific")'],
  format_datetime: ['format_datetime(t,"yyyy-MM-dd HH:mm:ss.fff tt")', 'format_datetime(t,"y/M/d h:m:s.FFFFFFF")'],
  format_timespan: ['format_timespan(d,"d.hh:mm:ss")', 'format_timespan(d,"ddd H:m:s.FFF")'],
  make_datetime: [
    'make_datetime(2024,j,1)',
    'make_datetime(2024,1,2,3,j)',
    'make_datetime(2024,1,2,3,4,x)',
    'make_datetime(s)',
  ],
  make_timespan: ['make_timespan(1,j)', 'make_timespan(j,2,3)', 'make_timespan(1,2,j,x)', 'make_timespan(s)'],
};

import { appendFileSync, readFileSync } from 'node:fs';

/** The kernel shows times in hundredths of a second to programs, whatever it counts in (`USER_HZ`). */
const perSecond = 100;

/** Writes what a test file took of the processors, with the programs that it started and that have ended, as a line of JSON to the file that
 * `KUSTODY_PROCESSOR_SECONDS` names, for whoever looks for what is dear: unlike time, it is the same on a busy machine. Linux only.
 * @returns what is to be called when the test file has ended */
export function countProcessorTime(file: string): () => void {
  const report = process.env['KUSTODY_PROCESSOR_SECONDS'];
  const before = usedSeconds();
  return () => {
    const after = usedSeconds();
    if (report === undefined || before === undefined || after === undefined) return;
    appendFileSync(report, `${JSON.stringify({ file, seconds: Number((after - before).toFixed(2)) })}\n`);
  };
}

/** @returns undefined where there is no such file
 * @see proc_pid_stat(5): fields 14 to 17, counted behind the name, which can have blanks and brackets */
function usedSeconds(): number | undefined {
  try {
    const text = readFileSync('/proc/self/stat', 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / perSecond;
  } catch {
    return undefined;
  }
}

// Reads the commands of a page, for whoever types them: tests and scripts/first-hour.mjs.

/** Blocks that begin with ```sh, in order. `exit=N` after it says which exit code the last command has.
 * @param {string} page
 * @returns {{ code: string, exit: number }[]} */
export const blocksOf = (page) =>
  [...page.matchAll(/^```sh(?: exit=(\d+))?\n(.*?)^```$/gms)].map(([, exit = '0', code]) => ({
    code,
    exit: Number(exit),
  }));

/** What a person would type, for the standard input of `bash`: a command that opens a shell reads on from there, until its `exit`. Every block is
 * held to its exit code, in whichever shell it is typed; a server that a block leaves in the background is waited for.
 * @param {{ code: string, exit: number }[]} blocks
 * @param {string} kustody the command
 * @returns {string} */
export function typed(blocks, kustody) {
  return blocks.flatMap(({ code, exit }) => [...lines(code, exit), ...waiting(code, kustody)]).join('\n');
}

function lines(code, exit) {
  const shown = [`cat <<'TYPED'`, code.trimEnd().replaceAll(/^/gm, '> '), 'TYPED'];
  if (code.trim() === 'exit') return [...shown, 'exit'];
  if (/-- bash$/.test(code.trim())) return [...shown, `${code.trim()} || exit`]; // what follows is typed there
  const [commands, last] = splitLast(code);
  if (exit === 0) return [...shown, 'set -e', code.trimEnd(), 'set +e'];
  const check = `typed=$?; if [ $typed != ${exit} ]; then echo "exit code $typed, not ${exit}" >&2; exit 90; fi`;
  return [...shown, 'set -e', commands, 'set +e', last, check];
}

/** Only the last command may have another exit code than 0. */
function splitLast(code) {
  const all = code.trimEnd().split('\n');
  return [all.slice(0, -1).join('\n') || ':', all.at(-1)];
}

function waiting(code, kustody) {
  const data = /up --data (\S+).*&$/m.exec(code)?.[1];
  return data === undefined || code.includes('until ')
    ? []
    : [`until ${kustody} status --data ${data} >/dev/null 2>&1; do kill -0 $! || exit 91; sleep 0.2; done`];
}

/** The files that a page shows: each stands after its name, in backquotes, in the sentence before.
 * @param {string} page
 * @returns {Map<string, string>} */
export function filesShown(page) {
  const blocks = page.matchAll(/`([\w.-]+\.[a-z]+)`[^`]*?:?\n\n```\w+\n([\s\S]*?)```/g);
  return new Map([...blocks].map(([, name, content]) => [name, content]));
}

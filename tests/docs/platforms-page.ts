import { table, wrapped } from './markdown.ts';

interface PlatformRow {
  readonly what: string;
  readonly mac: string;
  readonly windows: string;
  readonly why: string;
  /** Where the source asks for the platform, or uses what only one of them has; below `src/`. */
  readonly files: readonly string[];
}

/** Every place of the source that behaves otherwise on another system. A test finds the places and compares. */
export const platformRows: readonly PlatformRow[] = [
  {
    what: 'Clusters with data: `.create table` and all that follows',
    mac: 'refused',
    windows: 'refused',
    why: 'Opened extents are files without a name on a tmpfs, so that no plaintext touches a disk (`O_TMPFILE`, `/proc/self/fd`)',
    files: [
      'encryption/extent-files/memory-file.ts',
      'encryption/extent-files/extent-files.ts',
      'kql/duckdb/setup-sql.ts',
      'server/settings.ts',
      'cluster/process/data-parts.ts',
      'cluster/messages/supervisor-calls.ts',
    ],
  },
  {
    what: 'Core dumps of processes that hold keys',
    mac: "the system's setting counts",
    windows: "the system's setting counts",
    why: 'Only Linux lets a process choose what a dump holds, by `/proc/self/coredump_filter`',
    files: ['base/core-dumps.ts', 'cluster/process/main.ts'],
  },
  {
    what: 'Cluster processes and parsers end with a killed server',
    mac: 'yes',
    windows: 'as soon as their event loop turns',
    why: 'A shell at the end of a pipe kills the child; Windows has none',
    files: ['base/ends-with-us.ts'],
  },
  {
    what: 'Scans give way to the thread that answers',
    mac: 'no',
    windows: 'no',
    why: 'Only on Linux a priority belongs to a thread',
    files: ['cluster/process/thread-priority.ts'],
  },
  {
    what: 'A text that is parsed for long makes way to those of others',
    mac: 'no',
    windows: 'no',
    why: "It goes by another process's use of processors, which only Linux tells in a file; elsewhere a text ends after 20 s",
    files: ['kql/parser/processor-time.ts'],
  },
  {
    what: 'The time of sleep counts for leases',
    mac: 'yes',
    windows: 'yes',
    why: "Linux's monotonic clock leaves sleep out, so the uptime is added; the others count it",
    files: ['clock/host-time.ts'],
  },
  {
    what: '`kustody open` opens the browser',
    mac: 'yes',
    windows: 'yes',
    why: 'The program that does is called `open`, `explorer` or, on Linux with a desktop, `xdg-open`',
    files: ['cli/open.ts'],
  },
  {
    what: 'Leftovers of killed `kustody run` are removed',
    mac: 'unless another process has its number now',
    windows: 'no',
    why: 'When a process began stands in `/proc`; Windows knows no owner of a file by number',
    files: ['cli/private-instances.ts'],
  },
  {
    what: 'A data directory is for its owner alone (0700, 0600), and others’ are refused',
    mac: 'yes',
    windows: 'the access list of the folder above it counts',
    why: 'Windows has no mode bits',
    files: ['cli/data-directory.ts', 'state/root-key.ts', 'cli/private-file.ts', 'cli/state-place.ts'],
  },
  {
    what: 'Links in place of files are not followed',
    mac: 'yes',
    windows: 'they are followed',
    why: 'Windows has no `O_NOFOLLOW`; making a link needs a right of its own there',
    files: ['http/log-file.ts', 'storage/filesystem/filesystem-blob-store.ts', 'storage/cached/sealed-cache.ts'],
  },
  {
    what: 'Names of new files are synced',
    mac: 'yes',
    windows: 'not needed',
    why: 'Windows has no such call for folders',
    files: ['base/sync-directory.ts'],
  },
  {
    what: '`kustody` on the PATH inside `kustody run`',
    mac: 'a link',
    windows: 'a `.cmd` file',
    why: 'Links need a right of their own on Windows',
    files: ['cli/run.ts'],
  },
  {
    what: 'The public roots that trust files begin with',
    mac: "the system's file",
    windows: "Node.js's own list",
    why: 'Windows keeps them in no file',
    files: ['cli/trust-files.ts'],
  },
  {
    what: 'What starts are faster with (a snapshot of the parser, compiled functions), in the cache directory of the user',
    mac: '`~/Library/Caches/kustody`',
    windows: '`%LOCALAPPDATA%\\kustody\\cache`',
    why: 'Where each keeps what may be made anew; a snapshot is good for one system only',
    files: ['cli/built-scripts.ts', 'base/start-up-file.ts'],
  },
];

/** The page docs/platforms.md. */
export function platformsPage(): string {
  return [
    '# macOS and Windows',
    '',
    wrapped(
      'Made by `KUSTODY_WRITE_DOCS=1 npx vitest run tests/docs` from the places of the source that ask for the platform; a test finds these places.',
    ),
    '',
    wrapped(
      'Kustody is made on Linux and tested there alone; nothing of this table was run on macOS or Windows. The control plane (Entra ID, Graph, resource manager, Key Vault, and clusters without data) asks for nothing that only Linux has, and neither do its tests. So keys, roles, customer-managed keys and `kustody cmk` should work everywhere.',
    ),
    '',
    ...table(
      ['What', 'macOS', 'Windows', 'Why'],
      platformRows.map(({ what, mac, windows, why }) => [what, mac, windows, why]),
    ),
    '',
    wrapped(
      'What is refused says so: *Data cannot be opened here without writing plaintext to a disk*, with the name of the system. Nothing is done in a weaker way instead.',
    ),
    '',
    wrapped(
      'In a container or a virtual machine with Linux all of it works. [protection.md](protection.md#the-machine) says what a container needs.',
    ),
    '',
  ].join('\n');
}

/** What the proof does not prove. The README says the same. */
export const limits: readonly string[] = [
  'It protects against a stolen disk without the root key, and against the use of data after its key was revoked, while the process runs honestly.',
  'The root key lies beside the data by default (root.key, mode 0600). Whoever copies the whole directory has everything. Revocation is cryptographic only if the root key is kept elsewhere (KUSTODY_ROOT_KEY in the environment) or the key is in a vault outside.',
  "A cluster's keys live in a process of their own, which is ended when the cluster is suspended, stopped or deleted. Buffers that Kustody owns are overwritten; copies in V8 strings, TLS and OpenSSL may remain until a process ends. Memory can swap.",
  'An old record put back into the state is refused by name. An old copy of the whole directory is refused only with --state-anchor FILE, a file kept outside of it.',
  'Rows that were exported to storage of yours are there under no key of the cluster: taking the key away does not take them away. They are listed with their cluster.',
  'The scan reads the files as they lie in the data directory at that moment: not memory, not swap, not what was deleted before, not other directories. It finds a text that lies there in UTF-8, UTF-16 or base64, not one that is compressed or otherwise encoded.',
  'A state in PostgreSQL is no file of the data directory: the scan does not read it. PostgreSQL keeps old sealed records in its log, on standbys and in backups.',
  'The signature says that the proof is as the instance signed it. Whoever owns the instance can have anything signed: it does not say that this Kustody is the published one.',
  'It is not an HSM and not FIPS-validated.',
];

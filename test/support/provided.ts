// What the global set-up of a project hands to its test files.
declare module 'vitest' {
  interface ProvidedContext {
    engine: 'embedded' | 'server';
    /** embedded: a dump of a migrated, empty database. */
    templateFile: string;
    /** postgres: may create databases; its own is left alone. */
    serverUrl: string;
    /** postgres: may create users too. */
    adminUrl: string;
    /** postgres: the migrated, empty database that test databases are copied from; the beginning of their names. */
    templateDatabase: string;
  }
}

export {};

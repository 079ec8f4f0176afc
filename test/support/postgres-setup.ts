// Once per run: a PostgreSQL server (TEST_DATABASE_URL's, else one of our own) and in it a migrated, empty database that
// each test file copies. On our own server the tables' owner is no superuser, as an operator's will not be.
import './provided.js';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrateServer } from '../../src/db/server.js';
import { startPostgres } from './postgres.js';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const own = given === undefined || given === '' ? await startPostgres() : null;
  const adminUrl = own?.adminUrl ?? String(given);
  const templateDatabase = `sallyport_test_${randomBytes(4).toString('hex')}`;
  try {
    const serverUrl = own === null ? adminUrl : await makeOwner(adminUrl);
    await asAdmin(serverUrl, (client) => client.query(`CREATE DATABASE ${templateDatabase}`));
    await migrateServer(databaseUrl(serverUrl, templateDatabase));
    project.provide('engine', 'server');
    project.provide('adminUrl', adminUrl);
    project.provide('serverUrl', serverUrl);
    project.provide('templateDatabase', templateDatabase);
  } catch (error) {
    await own?.stop();
    throw error;
  }
  return async () => {
    if (own === null) await asAdmin(adminUrl, (client) => dropTestDatabases(client, templateDatabase));
    await own?.stop();
  };
}

async function makeOwner(adminUrl: string): Promise<string> {
  await asAdmin(adminUrl, (client) => client.query('CREATE ROLE sallyport_owner LOGIN CREATEDB CREATEROLE'));
  const url = new URL(adminUrl);
  url.username = 'sallyport_owner';
  return url.toString();
}

async function dropTestDatabases(client: pg.Client, prefix: string): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
    [prefix],
  );
  for (const { datname } of rows)
    await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(datname)} WITH (FORCE)`);
}

async function asAdmin(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.toString();
}

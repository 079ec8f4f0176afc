import { describe, expect, it } from 'vitest';
import { findDrift, wallsFor } from '../../src/db/drift.js';
import { readMigrations, readSchema } from '../../src/db/migration-files.js';

describe('the schema', () => {
  it('is what the migrations lead to; a column without a migration is found, and nothing written by hand is undone', async () => {
    expect(await findDrift(readMigrations(), readSchema())).toBeNull();

    const changed = readSchema().map(({ path, content }) => ({
      path,
      content: content.replace('model Agent {', 'model Agent {\n  nickname String?'),
    }));
    expect(await findDrift(readMigrations(), changed)).toBe(
      '-- AlterTable\nALTER TABLE "agent" ADD COLUMN     "nickname" TEXT;\n',
    );
  }, 120_000);

  it('asks for walls around each new table', () => {
    const sql =
      'CREATE TABLE "lead" (\n    "workspace_id" TEXT NOT NULL,\n    "id" TEXT\n);\n\nCREATE TABLE "word" (\n    "id" TEXT\n);\n';
    expect(wallsFor(sql)).toBe(
      `SELECT sallyport_raise_walls('lead', sallyport_own_rows());\nGRANT SELECT, INSERT, UPDATE, DELETE ON "lead" TO sallyport_app;\nSELECT sallyport_raise_walls('word', NULL);\n`,
    );
  });
});

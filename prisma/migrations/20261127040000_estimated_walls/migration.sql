/* A statement that binds its workspace itself is planned before the setting is there. PostgreSQL then looked it up for its
   estimates, found nothing, and expected no row at all: to find one row by id it read all rows of the workspace by whatever
   index came first. Of a subselect it knows no value, and counts on the usual share. The condition is the same. */
CREATE OR REPLACE FUNCTION sallyport_own_rows(owner_column text DEFAULT 'workspace_id', setting text DEFAULT 'app.workspace_id')
RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('%I = (SELECT NULLIF(current_setting(%L, true), ''''))', owner_column, setting)
$$;

DO $$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT tablename, regexp_replace(qual, 'NULLIF\(current_setting\(''app\.\w+''::text, true\), ''''::text\)', '(SELECT \&)', 'g') AS condition
    FROM pg_policies WHERE schemaname = 'public' AND policyname = 'workspace'
  LOOP
    EXECUTE format('ALTER POLICY "workspace" ON %I USING (%s) WITH CHECK (%s)', one.tablename, one.condition, one.condition);
  END LOOP;
END
$$;

/* Of a comparison that names no column PostgreSQL expects to hold for one row in 200. "No agent is set" is such a one, and
   holds for every row or for none: a page of messages was planned as if hardly any would pass, and where the rows of a
   conversation lie scattered, all of them were read and sorted for the last ten. Of IS NOT NULL it expects to hold, which is
   right for every key that is no agent's, and does no harm for those that are. The conditions are the same. */
CREATE FUNCTION sallyport_no_agent() RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '(SELECT CASE WHEN current_setting(''app.agent_id'', true) <> '''' THEN NULL ELSE true END) IS NOT NULL'
$$;

CREATE OR REPLACE FUNCTION sallyport_own_agent(agent_column text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN agent_column IS NULL THEN format('%s AND %s', sallyport_own_rows(), sallyport_no_agent())
    ELSE format('%s AND (%s OR %I = (SELECT current_setting(%L, true)))',
      sallyport_own_rows(), sallyport_no_agent(), agent_column, 'app.agent_id')
  END
$$;

REVOKE EXECUTE ON FUNCTION sallyport_no_agent() FROM PUBLIC;

DO $$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT * FROM (VALUES ('agent', 'id'), ('conversation', 'agent_id'), ('message', 'agent_id'), ('effect', 'agent_id'),
      ('api_key', 'agent_id'), ('contact', NULL), ('inbox', NULL)) AS t(name, agent_column)
  LOOP
    EXECUTE format('ALTER POLICY "workspace" ON %I USING (%s) WITH CHECK (%s)', one.name,
      sallyport_own_agent(one.agent_column), sallyport_own_agent(one.agent_column));
  END LOOP;
END
$$;

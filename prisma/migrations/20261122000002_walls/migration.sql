-- Wall two: whatever the application asks, the database answers for one workspace. Every table is FORCEd, so that its
-- owner is judged too; `system` lets the owner pass, `workspace` lets the bound role see what the settings name.

/* For this and later migrations: SELECT sallyport_raise_walls('lead', sallyport_own_rows()); */
CREATE FUNCTION sallyport_raise_walls(target regclass, condition text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format('CREATE POLICY "system" ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', target);
  IF condition IS NOT NULL THEN
    EXECUTE format('CREATE POLICY "workspace" ON %s TO sallyport_app USING (%s) WITH CHECK (%s)', target, condition, condition);
  END IF;
END
$$;

/* A setting that was bound in an earlier transaction reads as '' afterwards: NULLIF makes that nobody's workspace. */
CREATE FUNCTION sallyport_own_rows(owner_column text DEFAULT 'workspace_id', setting text DEFAULT 'app.workspace_id')
RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('%I = NULLIF(current_setting(%L, true), '''')', owner_column, setting)
$$;

/* An agent key sees its agent's rows; where a table has no agent, `agent_column` is NULL and it sees none. */
CREATE FUNCTION sallyport_own_agent(agent_column text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN agent_column IS NULL THEN
      format('%s AND COALESCE(current_setting(%L, true), '''') = ''''', sallyport_own_rows(), 'app.agent_id')
    ELSE
      format('%s AND (COALESCE(current_setting(%L, true), '''') = '''' OR %I = current_setting(%L, true))',
        sallyport_own_rows(), 'app.agent_id', agent_column, 'app.agent_id')
  END
$$;

REVOKE EXECUTE ON FUNCTION sallyport_raise_walls(regclass, text), sallyport_own_rows(text, text), sallyport_own_agent(text) FROM PUBLIC;

SELECT sallyport_raise_walls('organization', sallyport_own_rows('id', 'app.organization_id'));
SELECT sallyport_raise_walls('member', sallyport_own_rows('organization_id', 'app.organization_id'));
SELECT sallyport_raise_walls('workspace', sallyport_own_rows('id'));

SELECT sallyport_raise_walls('agent', sallyport_own_agent('id'));
SELECT sallyport_raise_walls('conversation', sallyport_own_agent('agent_id'));
SELECT sallyport_raise_walls('message', sallyport_own_agent('agent_id'));
SELECT sallyport_raise_walls('effect', sallyport_own_agent('agent_id'));
SELECT sallyport_raise_walls('api_key', sallyport_own_agent('agent_id'));
SELECT sallyport_raise_walls('contact', sallyport_own_agent(NULL));
SELECT sallyport_raise_walls('inbox', sallyport_own_agent(NULL));

SELECT sallyport_raise_walls('effect_decision', sallyport_own_rows());
SELECT sallyport_raise_walls('effect_execution', sallyport_own_rows());
SELECT sallyport_raise_walls('idempotency_record', sallyport_own_rows());
SELECT sallyport_raise_walls('credit_account', sallyport_own_rows());
SELECT sallyport_raise_walls('ledger_entry', sallyport_own_rows());
SELECT sallyport_raise_walls('audit_entry', sallyport_own_rows());
SELECT sallyport_raise_walls('audit_link', sallyport_own_rows());
SELECT sallyport_raise_walls('audit_checkpoint', sallyport_own_rows());
SELECT sallyport_raise_walls('event', sallyport_own_rows());

/* Global tables: the owner alone, by policy as well as by the lack of any grant. */
SELECT sallyport_raise_walls('user', NULL);
SELECT sallyport_raise_walls('session', NULL);
SELECT sallyport_raise_walls('account', NULL);
SELECT sallyport_raise_walls('verification', NULL);
SELECT sallyport_raise_walls('api_key_secret', NULL);

GRANT USAGE ON SCHEMA public TO sallyport_app;
GRANT SELECT ON organization, member, workspace, audit_link, audit_checkpoint TO sallyport_app;
GRANT SELECT, INSERT ON audit_entry, ledger_entry, event, effect_decision TO sallyport_app;
GRANT SELECT, INSERT, UPDATE ON effect, effect_execution TO sallyport_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON agent, contact, inbox, conversation, message, idempotency_record TO sallyport_app;
GRANT SELECT, UPDATE (balance_credits, reserved_credits) ON credit_account TO sallyport_app;
GRANT SELECT, UPDATE (spent_credits, reserved_credits) ON api_key TO sallyport_app;

/* The door's one look-up: from the SHA-256 of a presented key to all that decides whether it may pass. */
CREATE FUNCTION sallyport_find_key(secret_hash bytea)
RETURNS TABLE (
  key_id text, kind text, workspace_id text, organization_id text, workspace_status text, plan text, agent_id text,
  scopes text[], key_status text, deleted_at timestamptz, expires_at timestamptz, allowed_ips text[], rpm integer,
  rpd integer, revoked_at timestamptz, retires_at timestamptz, is_expired boolean, is_retired boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.id, k.kind::text, k.workspace_id, w.organization_id, w.status::text, w.plan::text, k.agent_id,
    COALESCE(k.scopes, '{}'), k.status::text, k.deleted_at, k.expires_at, COALESCE(k.allowed_ips, '{}'), k.rpm,
    k.rpd, k.revoked_at, s.retires_at, COALESCE(k.expires_at <= now(), false), COALESCE(s.retires_at <= now(), false)
  FROM public.api_key_secret s
  JOIN public.api_key k ON k.workspace_id = s.workspace_id AND k.id = s.key_id
  JOIN public.workspace w ON w.id = k.workspace_id
  WHERE s.hash = secret_hash
$$;

/* What pg-boss 10.4 does in `send`, in the caller's transaction, by a role that may read no one's jobs.
   NULL: the singleton key holds a job already. plpgsql, since the tables of pg-boss are made after this. */
CREATE FUNCTION sallyport_enqueue(queue text, data jsonb, singleton_key text DEFAULT NULL, start_after timestamptz DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  job_id uuid;
BEGIN
  INSERT INTO pgboss.job AS j (
    id, name, data, priority, start_after, singleton_key, dead_letter, expire_in, keep_until, retry_limit, retry_delay,
    retry_backoff, policy
  )
  SELECT gen_random_uuid(), q.name, sallyport_enqueue.data, 0, t.start_after, sallyport_enqueue.singleton_key,
    q.dead_letter,
    COALESCE(q.expire_seconds * interval '1s', interval '15 minutes'),
    t.start_after + COALESCE(q.retention_minutes * interval '1 minute', interval '14 days'),
    COALESCE(q.retry_limit, 2),
    CASE WHEN q.retry_backoff THEN GREATEST(COALESCE(q.retry_delay, 0), 1) ELSE COALESCE(q.retry_delay, 0) END,
    COALESCE(q.retry_backoff, false), q.policy
  FROM pgboss.queue q, (SELECT COALESCE(sallyport_enqueue.start_after, now()) AS start_after) t
  WHERE q.name = sallyport_enqueue.queue
  ON CONFLICT DO NOTHING
  RETURNING j.id INTO job_id;

  IF job_id IS NULL AND NOT EXISTS (SELECT FROM pgboss.queue q WHERE q.name = sallyport_enqueue.queue) THEN
    RAISE EXCEPTION 'There is no queue named %', queue USING ERRCODE = 'undefined_object';
  END IF;
  PERFORM pg_notify('sallyport_jobs', queue);
  RETURN job_id;
END
$$;

REVOKE EXECUTE ON FUNCTION sallyport_find_key(bytea), sallyport_enqueue(text, jsonb, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sallyport_find_key(bytea), sallyport_enqueue(text, jsonb, text, timestamptz) TO sallyport_app;

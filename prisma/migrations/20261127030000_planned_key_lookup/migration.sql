-- The door's look-up as before, in the language whose plans PostgreSQL keeps for a connection. Before version 18 it plans a
-- function in SQL anew at every call: half a millisecond for every request.
CREATE OR REPLACE FUNCTION sallyport_find_key(secret_hash bytea)
RETURNS TABLE (
  key_id text, kind text, workspace_id text, organization_id text, workspace_status text, plan text,
  explicit_spend_scopes boolean, keys_read_only boolean, agent_id text, scopes text[], key_status text,
  deleted_at timestamptz, expires_at timestamptz, allowed_ips text[], rpm integer, rpd integer, revoked_at timestamptz,
  secret_id text, retires_at timestamptz, is_expired boolean, is_retired boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
  SELECT k.id, k.kind::text, k.workspace_id, w.organization_id, w.status::text, w.plan::text,
    w.explicit_spend_scopes, w.keys_read_only, k.agent_id, COALESCE(k.scopes, '{}'), k.status::text,
    k.deleted_at, k.expires_at, COALESCE(k.allowed_ips, '{}'), k.rpm, k.rpd, k.revoked_at,
    s.id, s.retires_at, COALESCE(k.expires_at <= now(), false), COALESCE(s.retires_at <= now(), false)
  FROM public.api_key_secret s
  JOIN public.api_key k ON k.workspace_id = s.workspace_id AND k.id = s.key_id
  JOIN public.workspace w ON w.id = k.workspace_id
  WHERE s.hash = secret_hash;
END
$$;

// How counted use reaches the tables: one statement per table for all keys, adding to what is there, so that processes add
// up. Rows are locked in the order of their keys, so that two processes that count the same keys never wait for each other
// in a circle; a newer use is never replaced by an older one; what was erased meanwhile is left out.

/** One row of `api_key` for each key that was used. */
export const STORE_KEY_USE = `WITH used AS (
    SELECT * FROM json_to_recordset($1::json) AS u("workspaceId" text, "keyId" text, "at" timestamptz, "ip" text,
      "userAgent" text, "inBrowserAt" timestamptz, "requests" bigint)
  ), locked AS (
    SELECT k.workspace_id, k.id FROM api_key k JOIN used u ON k.workspace_id = u."workspaceId" AND k.id = u."keyId"
    ORDER BY k.workspace_id, k.id FOR NO KEY UPDATE OF k
  )
  UPDATE api_key k SET
    last_used_ip = CASE WHEN k.last_used_at > u."at" THEN k.last_used_ip ELSE u."ip" END,
    last_used_user_agent = CASE WHEN k.last_used_at > u."at" THEN k.last_used_user_agent ELSE u."userAgent" END,
    last_used_at = GREATEST(k.last_used_at, u."at"),
    seen_in_browser_at = GREATEST(k.seen_in_browser_at, u."inBrowserAt"),
    request_count = LEAST(k.request_count + u."requests", 2147483647)::int
  FROM used u JOIN locked l ON l.workspace_id = u."workspaceId" AND l.id = u."keyId"
  WHERE k.workspace_id = l.workspace_id AND k.id = l.id`;

/** One row of `api_key_secret_use` for each secret that was used. */
export const STORE_SECRET_USE = `WITH used AS (
    SELECT * FROM json_to_recordset($1::json) AS u("workspaceId" text, "secretId" text, "at" timestamptz,
      "requests" bigint)
  ), locked AS (
    SELECT s.workspace_id, s.id FROM api_key_secret_use s
    JOIN used u ON s.workspace_id = u."workspaceId" AND s.id = u."secretId"
    ORDER BY s.workspace_id, s.id FOR NO KEY UPDATE OF s
  )
  UPDATE api_key_secret_use s SET
    last_used_at = GREATEST(s.last_used_at, u."at"),
    request_count = LEAST(s.request_count + u."requests", 2147483647)::int
  FROM used u JOIN locked l ON l.workspace_id = u."workspaceId" AND l.id = u."secretId"
  WHERE s.workspace_id = l.workspace_id AND s.id = l.id`;

/** One row of `api_key_scope_use` for each scope of a key that was used; made at its first use. */
export const STORE_SCOPE_USE = `WITH used AS (
    SELECT * FROM json_to_recordset($1::json) AS u("workspaceId" text, "keyId" text, "scope" text, "at" timestamptz,
      "requests" bigint)
  )
  INSERT INTO api_key_scope_use AS s (workspace_id, key_id, scope, last_used_at, request_count)
  SELECT k.workspace_id, k.id, u."scope", u."at", LEAST(u."requests", 2147483647)::int
  FROM used u JOIN api_key k ON k.workspace_id = u."workspaceId" AND k.id = u."keyId"
  ORDER BY k.workspace_id, k.id, u."scope"
  ON CONFLICT (workspace_id, key_id, scope) DO UPDATE SET
    last_used_at = GREATEST(s.last_used_at, EXCLUDED.last_used_at),
    request_count = LEAST(s.request_count::bigint + EXCLUDED.request_count, 2147483647)::int`;

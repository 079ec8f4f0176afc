-- AlterEnum
ALTER TYPE "WorkspaceStatus" ADD VALUE 'DELETED';

-- AlterTable
ALTER TABLE "api_key" ADD COLUMN     "seen_in_browser_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "api_key_secret" ADD COLUMN     "id" TEXT;
UPDATE "api_key_secret" SET "id" = 'sec_0' || substr(md5(random()::text || clock_timestamp()::text), 1, 25);
ALTER TABLE "api_key_secret" ALTER COLUMN "id" SET NOT NULL;

-- AlterTable
ALTER TABLE "workspace" ADD COLUMN     "deleted_at" TIMESTAMPTZ(3),
ADD COLUMN     "erase_at" TIMESTAMPTZ(3),
ADD COLUMN     "explicit_spend_scopes" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "key_life_days_max" INTEGER,
ADD COLUMN     "key_rotation_days_max" INTEGER,
ADD COLUMN     "keys_read_only" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "require_fresh_auth" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "api_key_secret_use" (
    "workspace_id" TEXT NOT NULL DEFAULT current_setting('app.workspace_id'::text),
    "id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "start" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "request_count" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "api_key_secret_use_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "api_key_scope_use" (
    "workspace_id" TEXT NOT NULL DEFAULT current_setting('app.workspace_id'::text),
    "key_id" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL,
    "request_count" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "api_key_scope_use_pkey" PRIMARY KEY ("workspace_id","key_id","scope")
);

-- CreateTable
CREATE TABLE "api_key_format" (
    "prefix" TEXT NOT NULL,
    "length" INTEGER NOT NULL,
    "alphabet" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_key_format_pkey" PRIMARY KEY ("prefix","length","alphabet")
);

-- CreateIndex
CREATE INDEX "api_key_secret_use_workspace_id_key_id_created_at_idx" ON "api_key_secret_use"("workspace_id", "key_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_secret_id_key" ON "api_key_secret"("id");

-- AddForeignKey
ALTER TABLE "api_key_secret_use" ADD CONSTRAINT "api_key_secret_use_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "api_key_secret_use" ADD CONSTRAINT "api_key_secret_use_workspace_id_key_id_fkey" FOREIGN KEY ("workspace_id", "key_id") REFERENCES "api_key"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "api_key_scope_use" ADD CONSTRAINT "api_key_scope_use_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "api_key_scope_use" ADD CONSTRAINT "api_key_scope_use_workspace_id_key_id_fkey" FOREIGN KEY ("workspace_id", "key_id") REFERENCES "api_key"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Row-level security and grants: use is written behind, as the owner; the bound role only reads it.
SELECT sallyport_raise_walls('api_key_secret_use', sallyport_own_rows());
SELECT sallyport_raise_walls('api_key_scope_use', sallyport_own_rows());
SELECT sallyport_raise_walls('api_key_format', NULL);
GRANT SELECT ON "api_key_secret_use", "api_key_scope_use" TO sallyport_app;

-- What may be known of the secrets that are there already.
INSERT INTO "api_key_secret_use" ("workspace_id", "id", "key_id", "start", "created_at", "retires_at")
  SELECT s.workspace_id, s.id, s.key_id, k.start, s.created_at, s.retires_at
  FROM "api_key_secret" s JOIN "api_key" k ON k.workspace_id = s.workspace_id AND k.id = s.key_id;

-- The door's look-up also tells which secret it was and what the workspace lets its keys hold.
DROP FUNCTION sallyport_find_key(bytea);
CREATE FUNCTION sallyport_find_key(secret_hash bytea)
RETURNS TABLE (
  key_id text, kind text, workspace_id text, organization_id text, workspace_status text, plan text,
  explicit_spend_scopes boolean, keys_read_only boolean, agent_id text, scopes text[], key_status text,
  deleted_at timestamptz, expires_at timestamptz, allowed_ips text[], rpm integer, rpd integer, revoked_at timestamptz,
  secret_id text, retires_at timestamptz, is_expired boolean, is_retired boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.id, k.kind::text, k.workspace_id, w.organization_id, w.status::text, w.plan::text,
    w.explicit_spend_scopes, w.keys_read_only, k.agent_id, COALESCE(k.scopes, '{}'), k.status::text,
    k.deleted_at, k.expires_at, COALESCE(k.allowed_ips, '{}'), k.rpm, k.rpd, k.revoked_at,
    s.id, s.retires_at, COALESCE(k.expires_at <= now(), false), COALESCE(s.retires_at <= now(), false)
  FROM public.api_key_secret s
  JOIN public.api_key k ON k.workspace_id = s.workspace_id AND k.id = s.key_id
  JOIN public.workspace w ON w.id = k.workspace_id
  WHERE s.hash = secret_hash
$$;
REVOKE EXECUTE ON FUNCTION sallyport_find_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sallyport_find_key(bytea) TO sallyport_app;

-- AlterTable
ALTER TABLE "session" ADD COLUMN     "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "second_factor_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "user" ADD COLUMN     "two_factor_enabled" BOOLEAN DEFAULT false;

-- CreateTable
CREATE TABLE "invitation" (
    "organization_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "role" "Role" NOT NULL,
    "invited_by_id" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "accepted_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "invitation_pkey" PRIMARY KEY ("organization_id","id")
);

-- CreateTable
CREATE TABLE "two_factor" (
    "id" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "backup_codes" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "verified" BOOLEAN DEFAULT true,
    "failed_verification_count" INTEGER DEFAULT 0,
    "locked_until" TIMESTAMPTZ(3),

    CONSTRAINT "two_factor_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "invitation_organization_id_created_at_idx" ON "invitation"("organization_id", "created_at");

-- CreateIndex
CREATE INDEX "invitation_email_idx" ON "invitation"("email");

-- CreateIndex
CREATE UNIQUE INDEX "two_factor_user_id_key" ON "two_factor"("user_id");

-- AddForeignKey
ALTER TABLE "invitation" ADD CONSTRAINT "invitation_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organization"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "two_factor" ADD CONSTRAINT "two_factor_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- Row-level security and grants: who belongs to an organization is written as the owner; the bound role only reads it.
SELECT sallyport_raise_walls('invitation', sallyport_own_rows('organization_id', 'app.organization_id'));
SELECT sallyport_raise_walls('two_factor', NULL);
GRANT SELECT ON "invitation" TO sallyport_app;

-- The bound role reads no session. This tells a member of the bound organization of the person's own, and never a token.
CREATE FUNCTION sallyport_sessions_of(person text)
RETURNS TABLE (
  id text, created_at timestamptz, last_used_at timestamptz, expires_at timestamptz, ip_address text, user_agent text,
  second_factor_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id, s.created_at, s.last_used_at, s.expires_at, s.ip_address, s.user_agent, s.second_factor_at
  FROM public.session s
  WHERE s.user_id = person AND s.expires_at > now() AND EXISTS (
    SELECT FROM public.member m WHERE m.user_id = person
      AND m.organization_id = NULLIF(current_setting('app.organization_id', true), ''))
  ORDER BY s.created_at DESC, s.id DESC LIMIT 100
$$;
REVOKE EXECUTE ON FUNCTION sallyport_sessions_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sallyport_sessions_of(text) TO sallyport_app;

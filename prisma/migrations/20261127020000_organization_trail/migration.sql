-- CreateTable
CREATE TABLE "organization_audit_entry" (
    "organization_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "outcome" "AuditOutcome" NOT NULL,
    "actor_kind" "PrincipalKind" NOT NULL,
    "actor_id" TEXT NOT NULL,
    "api_key_id" TEXT,
    "agent_id" TEXT,
    "allowed_by" TEXT,
    "subject_id" TEXT,
    "effect_id" TEXT,
    "cost_credits" INTEGER,
    "request_id" TEXT NOT NULL,
    "ip" TEXT,
    "details" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "organization_audit_entry_pkey" PRIMARY KEY ("organization_id","id")
);

-- CreateTable
CREATE TABLE "organization_audit_link" (
    "organization_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "entry_id" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "linked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "organization_audit_link_pkey" PRIMARY KEY ("organization_id","seq")
);

-- CreateTable
CREATE TABLE "organization_audit_checkpoint" (
    "organization_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kept_at" TIMESTAMPTZ(3),

    CONSTRAINT "organization_audit_checkpoint_pkey" PRIMARY KEY ("organization_id","seq","created_at")
);

-- CreateIndex
CREATE INDEX "organization_audit_entry_organization_id_created_at_id_idx" ON "organization_audit_entry"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "organization_audit_entry_organization_id_action_created_at__idx" ON "organization_audit_entry"("organization_id", "action", "created_at", "id");

-- CreateIndex
CREATE INDEX "organization_audit_entry_organization_id_subject_id_created_idx" ON "organization_audit_entry"("organization_id", "subject_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "organization_audit_link_organization_id_entry_id_key" ON "organization_audit_link"("organization_id", "entry_id");

-- CreateIndex
CREATE INDEX "organization_audit_checkpoint_kept_at_created_at_idx" ON "organization_audit_checkpoint"("kept_at", "created_at");

-- AddForeignKey
ALTER TABLE "organization_audit_entry" ADD CONSTRAINT "organization_audit_entry_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organization"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "organization_audit_link" ADD CONSTRAINT "organization_audit_link_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organization"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "organization_audit_checkpoint" ADD CONSTRAINT "organization_audit_checkpoint_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organization"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Row-level security and grants. Whatever concerns an organization is changed, and so recorded, by the owner; the bound role
-- reads what its organization has, and changes and removes nothing.
SELECT sallyport_raise_walls('organization_audit_entry', sallyport_own_rows('organization_id', 'app.organization_id'));
SELECT sallyport_raise_walls('organization_audit_link', sallyport_own_rows('organization_id', 'app.organization_id'));
SELECT sallyport_raise_walls('organization_audit_checkpoint', sallyport_own_rows('organization_id', 'app.organization_id'));
GRANT SELECT ON "organization_audit_entry", "organization_audit_link", "organization_audit_checkpoint" TO sallyport_app;

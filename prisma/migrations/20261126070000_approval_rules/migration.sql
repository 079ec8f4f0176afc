-- CreateEnum
CREATE TYPE "ApprovalRequirement" AS ENUM ('NONE', 'CONFIRM', 'ONE', 'TWO');

-- CreateEnum
CREATE TYPE "AtCap" AS ENUM ('REFUSE', 'PARK');

-- CreateEnum
CREATE TYPE "WorkspaceMode" AS ENUM ('LIVE', 'SANDBOX');

-- AlterTable
ALTER TABLE "agent" ADD COLUMN     "reserved_credits" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "spend_cap_credits" INTEGER,
ADD COLUMN     "spend_cap_period" "SpendCapPeriod",
ADD COLUMN     "spent_credits" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "credit_account" ADD COLUMN     "spent_credits" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "effect" ADD COLUMN     "co_requester_ids" TEXT[],
ADD COLUMN     "is_sandbox" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "reserved_credits" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "workspace" ADD COLUMN     "mode" "WorkspaceMode" NOT NULL DEFAULT 'LIVE',
ADD COLUMN     "separate_duties" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "spend_cap_credits" INTEGER,
ADD COLUMN     "spend_cap_period" "SpendCapPeriod";

-- CreateTable
CREATE TABLE "approval_rule" (
    "workspace_id" TEXT NOT NULL DEFAULT current_setting('app.workspace_id'::text),
    "id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "when" JSONB NOT NULL,
    "requirement" "ApprovalRequirement" NOT NULL,
    "approvers" TEXT[],
    "at_cap" "AtCap" NOT NULL DEFAULT 'REFUSE',
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "approval_rule_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateTable
CREATE TABLE "approval_rule_version" (
    "workspace_id" TEXT NOT NULL DEFAULT current_setting('app.workspace_id'::text),
    "rule_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "when" JSONB NOT NULL,
    "requirement" "ApprovalRequirement" NOT NULL,
    "approvers" TEXT[],
    "at_cap" "AtCap" NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "approval_rule_version_pkey" PRIMARY KEY ("workspace_id","rule_id","version")
);

-- CreateTable
CREATE TABLE "effect_pause" (
    "workspace_id" TEXT NOT NULL DEFAULT current_setting('app.workspace_id'::text),
    "id" TEXT NOT NULL,
    "api_key_id" TEXT,
    "agent_id" TEXT,
    "kind" TEXT,
    "reason" TEXT,
    "created_by_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "effect_pause_pkey" PRIMARY KEY ("workspace_id","id")
);

-- CreateIndex
CREATE INDEX "approval_rule_workspace_id_position_id_idx" ON "approval_rule"("workspace_id", "position", "id");

-- CreateIndex
CREATE INDEX "effect_pause_workspace_id_created_at_id_idx" ON "effect_pause"("workspace_id", "created_at", "id");

-- AddForeignKey
ALTER TABLE "approval_rule" ADD CONSTRAINT "approval_rule_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "approval_rule_version" ADD CONSTRAINT "approval_rule_version_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "effect_pause" ADD CONSTRAINT "effect_pause_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Row-level security and grants. What a rule once said is never changed; pauses are seen by whoever acts for an agent, too.
SELECT sallyport_raise_walls('approval_rule', sallyport_own_rows());
SELECT sallyport_raise_walls('approval_rule_version', sallyport_own_rows());
SELECT sallyport_raise_walls('effect_pause', sallyport_own_rows());
GRANT SELECT, INSERT, UPDATE, DELETE ON "approval_rule" TO sallyport_app;
GRANT SELECT, INSERT ON "approval_rule_version" TO sallyport_app;
GRANT SELECT, INSERT, DELETE ON "effect_pause" TO sallyport_app;
GRANT UPDATE (spent_credits) ON "credit_account" TO sallyport_app;

-- The sums that the ledger already tells.
UPDATE "effect" SET "reserved_credits" = "price_credits"
  WHERE "status" IN ('AWAITING_APPROVAL', 'QUEUED', 'PERFORMING', 'UNCERTAIN');
UPDATE "credit_account" a SET "spent_credits" = s.spent FROM (
  SELECT workspace_id, -sum(balance_delta)::int AS spent FROM "ledger_entry" WHERE kind = 'CHARGE' GROUP BY workspace_id
) s WHERE s.workspace_id = a.workspace_id;
UPDATE "agent" a SET "spent_credits" = s.spent, "reserved_credits" = s.reserved FROM (
  SELECT workspace_id, agent_id, -COALESCE(sum(balance_delta), 0)::int AS spent, COALESCE(sum(reserved_delta), 0)::int AS reserved
  FROM "ledger_entry" WHERE agent_id IS NOT NULL GROUP BY workspace_id, agent_id
) s WHERE s.workspace_id = a.workspace_id AND s.agent_id = a.id;

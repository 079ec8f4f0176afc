-- AlterTable
ALTER TABLE "audit_checkpoint" DROP CONSTRAINT "audit_checkpoint_pkey",
ADD COLUMN     "kept_at" TIMESTAMPTZ(3),
ADD CONSTRAINT "audit_checkpoint_pkey" PRIMARY KEY ("workspace_id", "seq", "created_at");

-- CreateIndex
CREATE INDEX "audit_checkpoint_kept_at_created_at_idx" ON "audit_checkpoint"("kept_at", "created_at");

-- AlterTable
ALTER TABLE "contact_key" ADD COLUMN     "merged_into_id" TEXT;

-- AlterTable
ALTER TABLE "effect" ADD COLUMN     "other_contact_id" TEXT;

-- CreateIndex
CREATE INDEX "contact_key_workspace_id_merged_into_id_idx" ON "contact_key"("workspace_id", "merged_into_id");

-- CreateIndex
CREATE INDEX "effect_workspace_id_other_contact_id_idx" ON "effect"("workspace_id", "other_contact_id");

-- AlterTable
ALTER TABLE "audit_checkpoint" ADD COLUMN     "is_cut" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "organization_audit_checkpoint" ADD COLUMN     "is_cut" BOOLEAN NOT NULL DEFAULT false;

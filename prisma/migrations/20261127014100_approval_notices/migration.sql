-- CreateEnum
CREATE TYPE "NoticeKind" AS ENUM ('WAITING', 'EXPIRING');

-- CreateTable
CREATE TABLE "approval_notice" (
    "workspace_id" TEXT NOT NULL DEFAULT current_setting('app.workspace_id'::text),
    "effect_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "kind" "NoticeKind" NOT NULL,
    "mail_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "taken_at" TIMESTAMPTZ(3),

    CONSTRAINT "approval_notice_pkey" PRIMARY KEY ("workspace_id","effect_id","user_id","kind")
);

-- CreateIndex
CREATE INDEX "approval_notice_user_id_created_at_idx" ON "approval_notice"("user_id", "created_at");

-- CreateIndex
CREATE INDEX "approval_notice_mail_id_idx" ON "approval_notice"("mail_id");

-- CreateIndex
CREATE INDEX "approval_notice_created_at_idx" ON "approval_notice"("created_at");

-- AddForeignKey
ALTER TABLE "approval_notice" ADD CONSTRAINT "approval_notice_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "approval_notice" ADD CONSTRAINT "approval_notice_workspace_id_effect_id_fkey" FOREIGN KEY ("workspace_id", "effect_id") REFERENCES "effect"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Row-level security and grants: workers write as the owner; whoever acts in the workspace sees who was told.
SELECT sallyport_raise_walls('approval_notice', sallyport_own_rows());
GRANT SELECT ON "approval_notice" TO sallyport_app;

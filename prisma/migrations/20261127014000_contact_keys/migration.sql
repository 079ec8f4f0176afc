-- AlterTable
ALTER TABLE "effect" ADD COLUMN     "contact_id" TEXT;

-- CreateTable
CREATE TABLE "contact_key" (
    "workspace_id" TEXT NOT NULL DEFAULT current_setting('app.workspace_id'::text),
    "contact_id" TEXT NOT NULL,
    "wrapped" TEXT,
    "wrapped_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "erased_at" TIMESTAMPTZ(3),

    CONSTRAINT "contact_key_pkey" PRIMARY KEY ("workspace_id","contact_id")
);

-- CreateIndex
CREATE INDEX "contact_key_wrapped_by_idx" ON "contact_key"("wrapped_by");

-- CreateIndex
CREATE INDEX "effect_workspace_id_contact_id_idx" ON "effect"("workspace_id", "contact_id");

-- AddForeignKey
ALTER TABLE "contact_key" ADD CONSTRAINT "contact_key_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Row-level security and grants. A key is made and read by whoever asks, and destroyed by the owner alone. FOR SHARE, which
-- holds an erasure back while somebody asks, takes the right to update something.
SELECT sallyport_raise_walls('contact_key', sallyport_own_rows());
GRANT SELECT, INSERT, UPDATE (created_at) ON "contact_key" TO sallyport_app;

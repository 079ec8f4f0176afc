-- CreateTable
CREATE TABLE "audit_key" (
    "key_id" TEXT NOT NULL,
    "x" TEXT NOT NULL,
    "voucher_id" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_key_pkey" PRIMARY KEY ("key_id","voucher_id")
);

-- Row-level security and grants; narrow them.
SELECT sallyport_raise_walls('audit_key', NULL);

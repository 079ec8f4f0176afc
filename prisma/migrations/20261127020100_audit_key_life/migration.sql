-- AlterTable
ALTER TABLE "audit_key" ADD COLUMN     "retired_at" TIMESTAMPTZ(3);

-- What a key vouched for stands: the owner adds rows, and nobody changes or removes one.
CREATE FUNCTION sallyport_added_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Rows of % are added, never changed or removed.', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
REVOKE EXECUTE ON FUNCTION sallyport_added_only() FROM PUBLIC;

CREATE TRIGGER added_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_key"
  FOR EACH STATEMENT EXECUTE FUNCTION sallyport_added_only();

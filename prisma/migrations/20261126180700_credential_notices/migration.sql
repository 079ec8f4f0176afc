-- Whoever changes what a credential is worth says so to every process: a statement by hand, the sign-in library and a
-- cascade as well as our own code. What is told within one transaction is told once, and only when it is committed.
CREATE FUNCTION sallyport_credential_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('sallyport_credential', to_jsonb(OLD) ->> TG_ARGV[0]);
  RETURN NULL;
END
$$;

CREATE TRIGGER credential_changed AFTER UPDATE ON "api_key" FOR EACH ROW
  WHEN ((OLD.status, OLD.scopes, OLD.allowed_ips, OLD.expires_at, OLD.revoked_at, OLD.deleted_at, OLD.agent_id)
    IS DISTINCT FROM (NEW.status, NEW.scopes, NEW.allowed_ips, NEW.expires_at, NEW.revoked_at, NEW.deleted_at, NEW.agent_id))
  EXECUTE FUNCTION sallyport_credential_changed('id');
CREATE TRIGGER credential_gone AFTER DELETE ON "api_key" FOR EACH ROW
  EXECUTE FUNCTION sallyport_credential_changed('id');

CREATE TRIGGER credential_changed AFTER UPDATE ON "api_key_secret" FOR EACH ROW
  WHEN ((OLD.hash, OLD.key_id, OLD.retires_at) IS DISTINCT FROM (NEW.hash, NEW.key_id, NEW.retires_at))
  EXECUTE FUNCTION sallyport_credential_changed('key_id');
CREATE TRIGGER credential_gone AFTER DELETE ON "api_key_secret" FOR EACH ROW
  EXECUTE FUNCTION sallyport_credential_changed('key_id');

CREATE TRIGGER credential_changed AFTER UPDATE ON "member" FOR EACH ROW
  WHEN ((OLD.role, OLD.user_id, OLD.organization_id) IS DISTINCT FROM (NEW.role, NEW.user_id, NEW.organization_id))
  EXECUTE FUNCTION sallyport_credential_changed('user_id');
CREATE TRIGGER credential_gone AFTER DELETE ON "member" FOR EACH ROW
  EXECUTE FUNCTION sallyport_credential_changed('user_id');

-- A session whose end moves away, as it does while it is used, is worth what it was.
CREATE TRIGGER credential_changed AFTER UPDATE ON "session" FOR EACH ROW
  WHEN (NEW.expires_at < OLD.expires_at OR (OLD.token, OLD.user_id) IS DISTINCT FROM (NEW.token, NEW.user_id))
  EXECUTE FUNCTION sallyport_credential_changed('id');
CREATE TRIGGER credential_gone AFTER DELETE ON "session" FOR EACH ROW
  EXECUTE FUNCTION sallyport_credential_changed('id');

CREATE TRIGGER credential_changed AFTER UPDATE ON "workspace" FOR EACH ROW
  WHEN ((OLD.status, OLD.explicit_spend_scopes, OLD.keys_read_only, OLD.organization_id)
    IS DISTINCT FROM (NEW.status, NEW.explicit_spend_scopes, NEW.keys_read_only, NEW.organization_id))
  EXECUTE FUNCTION sallyport_credential_changed('id');
CREATE TRIGGER credential_gone AFTER DELETE ON "workspace" FOR EACH ROW
  EXECUTE FUNCTION sallyport_credential_changed('id');

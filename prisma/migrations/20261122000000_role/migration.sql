-- The role that row-level security binds. Roles belong to the whole server, so another database may have made it, or be
-- making it now. May run any number of times: the start runs it ahead of the other migrations, to ask for help in time.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sallyport_app') THEN
    CREATE ROLE sallyport_app NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN
    NULL;
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('%I may not create the role sallyport_app', current_user),
      HINT = format('CREATE ROLE sallyport_app NOLOGIN; GRANT sallyport_app TO %I;', current_user);
END
$$;

DO $$
DECLARE
  may_become text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  FOR attempt IN 1..5 LOOP
    BEGIN
      GRANT sallyport_app TO CURRENT_USER;
      EXIT;
    EXCEPTION
      -- Two databases of one server granting at the same moment: "tuple concurrently updated".
      WHEN internal_error OR unique_violation THEN
        PERFORM pg_sleep(0.1 * attempt);
      WHEN insufficient_privilege THEN
        EXIT WHEN pg_has_role(current_user, 'sallyport_app', may_become);
        RAISE EXCEPTION USING
          ERRCODE = 'insufficient_privilege',
          MESSAGE = format('%I may not become the role sallyport_app', current_user),
          HINT = format('GRANT sallyport_app TO %I;', current_user);
    END;
  END LOOP;
END
$$;

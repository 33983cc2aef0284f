-- What operators write (routes, flows, tools, guardrails) in every version, and what tenants used of models.

-- One row a version. `version` counts 1, 2, 3 ... by tenant, kind and name; `id` over all of them, in the order of
-- commits. An empty body says that it was removed.
CREATE TABLE definitions (
    id          bigint      PRIMARY KEY CHECK (id > 0),
    tenant      text        NOT NULL,
    kind        text        NOT NULL,
    name        text        NOT NULL, -- of a flow; '' of the others
    version     bigint      NOT NULL CHECK (version > 0),
    body        bytea       NOT NULL,
    author      text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (tenant, kind, name, version)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON definitions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Adds a version, unless the newest one has this body already; returns the newest one there is then, if any.
-- Raises KF409 if the newest is not `expected` (null: whichever it is; 0: none).
-- The advisory lock ("kefudefs") is held to the commit, so ids are committed in their order, and whoever has read up
-- to an id never misses a smaller one. What follows it sees what its last holder committed: in a volatile function
-- every statement has a snapshot of its own.
CREATE FUNCTION put_definition(
    of_tenant text, of_kind text, of_name text, new_body bytea, new_author text, at_ms bigint, expected bigint
) RETURNS SETOF definitions LANGUAGE plpgsql AS $$
DECLARE
    newest definitions;
BEGIN
    PERFORM pg_advisory_xact_lock(7738704189087639155);
    SELECT * INTO newest FROM definitions d
    WHERE d.tenant = of_tenant AND d.kind = of_kind AND d.name = of_name
    ORDER BY d.version DESC LIMIT 1;
    IF coalesce(newest.body, '') = new_body THEN
        RETURN QUERY SELECT newest.* WHERE newest.id IS NOT NULL;
        RETURN;
    END IF;
    IF expected <> coalesce(newest.version, 0) THEN
        RAISE EXCEPTION '%', coalesce(newest.version, 0) USING ERRCODE = 'KF409';
    END IF;
    RETURN QUERY
    INSERT INTO definitions (id, tenant, kind, name, version, body, author, recorded_at)
    VALUES (
        (SELECT coalesce(max(d.id), 0) + 1 FROM definitions d), of_tenant, of_kind, of_name,
        coalesce(newest.version, 0) + 1, new_body, new_author, to_timestamp(at_ms / 1000.0)
    )
    RETURNING *;
END $$;

-- Sums by UTC day, so that budgets can be kept. Rows are added to all the time; room in the page keeps that in place.
CREATE TABLE model_usage (
    day           date             NOT NULL,
    tenant        text             NOT NULL,
    provider      text             NOT NULL,
    model         text             NOT NULL,
    calls         bigint           NOT NULL,
    errors        bigint           NOT NULL,
    input_tokens  bigint           NOT NULL,
    output_tokens bigint           NOT NULL,
    cost          double precision NOT NULL,
    PRIMARY KEY (day, tenant, provider, model)
) WITH (fillfactor = 50);

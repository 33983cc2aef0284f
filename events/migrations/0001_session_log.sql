-- The write-ahead log of sessions and what goes with it.

-- The caller's own ids. A row without events is harmless: the session has not begun.
CREATE TABLE sessions (
    session_id  bigint PRIMARY KEY,
    tenant      text   NOT NULL,
    external_id text   NOT NULL,
    UNIQUE (tenant, external_id)
);

-- One row an event. The primary key is the fence: of two writers of the same
-- (session_id, seq) one fails. `tx` orders subscriptions (see read_log).
CREATE TABLE session_events (
    session_id  bigint      NOT NULL,
    seq         integer     NOT NULL CHECK (seq > 0),
    event_type  smallint    NOT NULL,
    recorded_at timestamptz NOT NULL,
    tx          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    payload     bytea       NOT NULL,
    PRIMARY KEY (session_id, seq)
) PARTITION BY RANGE (session_id);

-- Subscriptions read in order of tx.
CREATE INDEX session_events_tx ON session_events (tx);

-- A cache, so it may change: state as of seq, for one version of the fold.
CREATE TABLE session_snapshots (
    session_id   bigint   PRIMARY KEY,
    seq          integer  NOT NULL,
    fold_version integer  NOT NULL,
    state_hash   bytea    NOT NULL,
    payload      bytea    NOT NULL
);

-- Where each subscription has got to.
CREATE TABLE subscription_checkpoints (
    name       text PRIMARY KEY,
    tx         xid8    NOT NULL,
    session_id bigint  NOT NULL,
    seq        integer NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'session_events is append-only: % refused', TG_OP
        USING ERRCODE = 'KF403', HINT = 'Append a new event that says what changed.';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON session_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One partition with all ids in [from_id, to_id); null from_id means "everything before".
-- Statement triggers are not inherited, so each partition gets its own.
CREATE FUNCTION add_partition(name text, from_id bigint, to_id bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF session_events FOR VALUES FROM (%s) TO (%s)',
                   name, coalesce(from_id::text, 'MINVALUE'), to_id);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
END $$;

-- Appends the events of many streams, or nothing at all.
--   ids, seqs, types, times_ms, payloads: one entry an event
--   heads, expected: one entry a stream, the seq it must have reached (0: none)
-- Raises KF409 if a stream has not reached its expected seq, unique_violation if it is beyond it.
-- The scalar subquery keeps this a primary-key look-up per stream whatever the statistics say.
CREATE FUNCTION append_events(
    ids bigint[], seqs integer[], types smallint[], times_ms bigint[], payloads bytea[],
    heads bigint[], expected integer[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest(heads, expected) AS stream (id, head)
        WHERE stream.head > 0
          AND (SELECT true FROM session_events e WHERE e.session_id = stream.id AND e.seq = stream.head) IS NULL
    ) THEN
        RAISE EXCEPTION 'a stream is behind its expected version' USING ERRCODE = 'KF409';
    END IF;
    INSERT INTO session_events (session_id, seq, event_type, recorded_at, payload)
    SELECT id, seq, type, to_timestamp(at_ms / 1000.0), payload
    FROM unnest(ids, seqs, types, times_ms, payloads) AS event (id, seq, type, at_ms, payload);
END $$;

-- The log of what each tenant knows, and the projections that are kept with it, in the same transaction.

-- One refusal for every append-only table.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'KF403', HINT = 'Append a new event that says what changed.';
END $$;

-- One row an event, numbered 1, 2, 3 ... by tenant: the number is the knowledge version it brings about.
-- What stands beside the payload is a summary of it, for listings that must not load documents.
CREATE TABLE knowledge_events (
    tenant      text        NOT NULL,
    version     bigint      NOT NULL CHECK (version > 0),
    event_type  smallint    NOT NULL,
    recorded_at timestamptz NOT NULL,
    tx          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    author      text        NOT NULL,
    item        text        NOT NULL, -- what it changes, as in knowledge_items; '' of a rollback
    title       text        NOT NULL, -- of the document; the question of a confirmation
    to_version  bigint,               -- of a rollback only
    holds       jsonb,                -- of a document: {entry id: revision}
    payload     bytea       NOT NULL,
    -- recorded_at rides along so that "which version was it at that time" reads the index alone.
    PRIMARY KEY (tenant, version) INCLUDE (recorded_at)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON knowledge_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The fence: an append moves this row from the version it expects, and holds its lock to the commit.
-- Every replica polls the table; room in the page keeps its updates in place.
CREATE TABLE knowledge_heads (
    tenant  text   PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0)
) WITH (fillfactor = 50);

-- Which event (`version`) holds an item's content in the knowledge versions from_version <= v < to_version;
-- no to_version: to this day. An item is a document (by its id) or a confirmed answer ('confirmed:...').
-- As of v:           from_version <= v AND (to_version IS NULL OR to_version > v)
-- Changed after v:   from_version > v OR to_version > v
CREATE TABLE knowledge_items (
    tenant       text   NOT NULL,
    item         text   NOT NULL,
    version      bigint NOT NULL,
    from_version bigint NOT NULL CHECK (from_version >= version),
    to_version   bigint CHECK (to_version > from_version),
    PRIMARY KEY (tenant, item, from_version)
);
-- Says that an item has one content at a time. Not "WHERE to_version IS NULL": a partial index looks so small to a
-- planner without statistics that it reads all of a tenant's items through it to find one.
CREATE UNIQUE INDEX knowledge_items_one_open ON knowledge_items (tenant, item, (coalesce(to_version, 0)));
CREATE INDEX knowledge_items_opened ON knowledge_items (tenant, from_version);
CREATE INDEX knowledge_items_closed ON knowledge_items (tenant, to_version) WHERE to_version IS NOT NULL;

-- Every content an entry id has ever had, the documents that held it, and the first event of each that did.
CREATE TABLE knowledge_entries (
    tenant      text    NOT NULL,
    entry_id    text    NOT NULL,
    revision    integer NOT NULL CHECK (revision > 0),
    document_id text    NOT NULL,
    digest      bytea   NOT NULL,
    version     bigint  NOT NULL,
    PRIMARY KEY (tenant, entry_id, revision, document_id)
);

-- Embeddings by content: a cache that spares embedding again what has not changed. A vector of 384 floats is
-- stored in its row (a million of them take 2 GB), a longer one beside it; no time is spent on compressing noise.
CREATE TABLE passage_vectors (
    model  text  NOT NULL,
    digest bytea NOT NULL,
    vector bytea NOT NULL,
    PRIMARY KEY (model, digest)
);
ALTER TABLE passage_vectors ALTER COLUMN vector SET STORAGE EXTERNAL;

-- Knowledge becomes, in version `at`, what it was as of `target`. Takes time by the number of items known: it
-- hashes them, because a nested loop chosen on old statistics takes that number squared.
CREATE FUNCTION roll_back_items(of_tenant text, at bigint, target bigint) RETURNS void LANGUAGE plpgsql
    SET plan_cache_mode = force_custom_plan SET enable_nestloop = off
AS $$
BEGIN
    UPDATE knowledge_items present SET to_version = at
    WHERE present.tenant = of_tenant AND present.to_version IS NULL
      AND NOT EXISTS (
          SELECT FROM knowledge_items past
          WHERE past.tenant = of_tenant AND past.item = present.item AND past.version = present.version
            AND past.from_version <= target AND (past.to_version IS NULL OR past.to_version > target)
      );
    -- Whatever is still open is as it was, so an item that is not open is one to bring back.
    INSERT INTO knowledge_items (tenant, item, version, from_version)
    SELECT of_tenant, past.item, past.version, at
    FROM knowledge_items past
    WHERE past.tenant = of_tenant AND past.from_version <= target AND past.to_version > target
      AND NOT EXISTS (
          SELECT FROM knowledge_items present
          WHERE present.tenant = of_tenant AND present.item = past.item AND present.to_version IS NULL
      );
END $$;

-- Items are put in or taken out (type 3) one after the other, the first of them in version `before` + 1.
CREATE FUNCTION change_items(of_tenant text, before bigint, types smallint[], items text[]) RETURNS void
    LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    UPDATE knowledge_items present SET to_version = before + first.n
    FROM (
        SELECT name, min(n) AS n FROM unnest(items) WITH ORDINALITY AS given (name, n) GROUP BY name
    ) AS first
    WHERE present.tenant = of_tenant AND present.item = first.name AND present.to_version IS NULL;
    -- What one of these events opens, the next one of the same item closes.
    INSERT INTO knowledge_items (tenant, item, version, from_version, to_version)
    SELECT of_tenant, name, before + n, before + n, before + next
    FROM (
        SELECT type, name, n, lead(n) OVER (PARTITION BY name ORDER BY n) AS next
        FROM unnest(types, items) WITH ORDINALITY AS given (type, name, n)
    ) AS change
    WHERE type <> 3;
END $$;

-- Appends events to a tenant's stream and brings the projections up to them, or does nothing at all.
--   types ... payloads: one element an event; the types are the arms' numbers in schemas/knowledge.proto
--   entry_events ... digests: one element for each entry of each document; entry_events says whose, from 1
-- Returns the new head. Raises KF409 or unique_violation if the stream is not at `expected`, KF422 if a
-- revision is given to a content though another content of that entry has it.
-- Plans are made for every call: one kept from when the tables were small would read them whole.
CREATE FUNCTION append_knowledge(
    of_tenant text, expected bigint,
    types smallint[], times_ms bigint[], authors text[], items text[], titles text[], targets bigint[],
    holdings jsonb[], payloads bytea[],
    entry_events bigint[], document_ids text[], entry_ids text[], revisions integer[], digests bytea[]
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    size  CONSTANT bigint := cardinality(types);
    start bigint := 1;
    stop  bigint;
BEGIN
    UPDATE knowledge_heads SET version = expected + size WHERE tenant = of_tenant AND version = expected;
    IF NOT FOUND THEN
        IF expected <> 0 THEN
            RAISE EXCEPTION 'the tenant is not at its expected version' USING ERRCODE = 'KF409';
        END IF;
        INSERT INTO knowledge_heads (tenant, version) VALUES (of_tenant, size);
    END IF;

    INSERT INTO knowledge_events
        (tenant, version, event_type, recorded_at, author, item, title, to_version, holds, payload)
    SELECT of_tenant, expected + n, type, to_timestamp(at_ms / 1000.0), author, name, heading, target, holding, body
    FROM unnest(types, times_ms, authors, items, titles, targets, holdings, payloads)
        WITH ORDINALITY AS given (type, at_ms, author, name, heading, target, holding, body, n);

    -- All at once from one rollback (type 4) to the next.
    FOR stop IN
        SELECT n FROM unnest(types) WITH ORDINALITY AS given (type, n) WHERE type = 4
        UNION ALL SELECT size + 1 ORDER BY 1
    LOOP
        IF start < stop THEN
            PERFORM change_items(of_tenant, expected + start - 1, types[start:stop - 1], items[start:stop - 1]);
        END IF;
        IF stop <= size THEN
            PERFORM roll_back_items(of_tenant, expected + stop, targets[stop]);
        END IF;
        start := stop + 1;
    END LOOP;

    IF cardinality(entry_ids) > 0 THEN
        INSERT INTO knowledge_entries (tenant, entry_id, revision, document_id, digest, version)
        SELECT of_tenant, entry_id, revision, document_id, digest, expected + n
        FROM unnest(entry_events, document_ids, entry_ids, revisions, digests)
            AS given (n, document_id, entry_id, revision, digest)
        ORDER BY n
        ON CONFLICT DO NOTHING;
        IF EXISTS (
            SELECT FROM unnest(entry_ids, revisions, digests) AS given (entry_id, revision, digest)
            JOIN knowledge_entries known
              ON known.tenant = of_tenant AND known.entry_id = given.entry_id AND known.revision = given.revision
            WHERE known.digest <> given.digest
        ) THEN
            RAISE EXCEPTION 'a revision is taken by another content of its entry' USING ERRCODE = 'KF422';
        END IF;
    END IF;
    RETURN expected + size;
END $$;

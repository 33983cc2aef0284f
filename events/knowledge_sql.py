"""Every statement of the knowledge store, with the index it relies on. Times cross the border as milliseconds."""

# Primary key of knowledge_heads, as the fence; of knowledge_items and knowledge_entries, for the projections.
APPEND = "SELECT append_knowledge($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"

# Primary key of knowledge_events. Digests tell whether an append landed without sending it back.
LANDED = """
SELECT event_type, sha256(payload) FROM knowledge_events
WHERE tenant = $1 AND version > $2 ORDER BY version LIMIT $3
"""

# Primary key of knowledge_entries: a look-up for each entry, whatever the statistics say.
REVISIONS = """
SELECT wanted.entry_id, (
    SELECT coalesce(min(e.revision) FILTER (WHERE e.digest = wanted.digest), max(e.revision) + 1, 1)
    FROM knowledge_entries e
    WHERE e.tenant = $1 AND e.entry_id = wanted.entry_id
)
FROM unnest($2::text[], $3::bytea[]) AS wanted (entry_id, digest)
"""

# Primary key of knowledge_heads.
HEAD = "SELECT version FROM knowledge_heads WHERE tenant = $1"

# The whole of a table with one small row a tenant.
HEADS = "SELECT tenant, version FROM knowledge_heads"

# Index knowledge_items_opened; reads what was ever opened up to the version.
STATE = """
SELECT item, version FROM knowledge_items
WHERE tenant = $1 AND from_version <= $2 AND (to_version IS NULL OR to_version > $2)
"""

# Indexes knowledge_items_closed and knowledge_items_opened: costs what has changed, not what is known.
# One statement, so that the head belongs to the rows. At any version an item has one content, so each
# side of the join has it once; a content that left and came back is no difference.
CHANGES = """
WITH was AS (
    SELECT item, version FROM knowledge_items WHERE tenant = $1 AND to_version > $2 AND from_version <= $2
), now AS (
    SELECT item, version FROM knowledge_items WHERE tenant = $1 AND from_version > $2 AND to_version IS NULL
), change AS (
    SELECT item, now.version FROM was FULL JOIN now USING (item) WHERE now.version IS DISTINCT FROM was.version
)
SELECT head.version AS head, change.item, change.version
FROM (SELECT coalesce(max(version), 0) AS version FROM knowledge_heads WHERE tenant = $1) AS head
LEFT JOIN change ON true
ORDER BY change.item
"""

# Primary key of knowledge_events.
READ = "SELECT version, event_type, payload FROM knowledge_events WHERE tenant = $1 AND version = ANY($2::bigint[])"

# Primary key of knowledge_events, backwards; payloads stay where they are. What was removed is named
# by the event that held it, found by the primary key of knowledge_items.
HISTORY = """
SELECT e.version, e.event_type, (extract(epoch FROM e.recorded_at) * 1000)::bigint, e.author, e.item,
    coalesce((
        SELECT held.title
        FROM knowledge_items i JOIN knowledge_events held ON held.tenant = i.tenant AND held.version = i.version
        WHERE e.event_type = 3 AND i.tenant = e.tenant AND i.item = e.item AND i.to_version = e.version
    ), e.title), e.to_version
FROM knowledge_events e
WHERE e.tenant = $1 AND ($3::bigint IS NULL OR e.version < $3)
ORDER BY e.version DESC
LIMIT $2
"""

# Primary key of knowledge_events with its included time, backwards from the newest. Clocks differ, so
# a later version may have an earlier time, and a search by time alone would miss it.
VERSION_AT = """
SELECT version FROM knowledge_events
WHERE tenant = $1 AND recorded_at <= to_timestamp($2::bigint / 1000.0)
ORDER BY version DESC
LIMIT 1
"""

# Primary keys of knowledge_entries, knowledge_items and knowledge_events, in that order.
HOLDINGS = """
SELECT (e.holds ->> $2)::integer, i.version, i.from_version, i.to_version
FROM (SELECT DISTINCT document_id FROM knowledge_entries WHERE tenant = $1 AND entry_id = $2) AS holder
JOIN knowledge_items i ON i.tenant = $1 AND i.item = holder.document_id
JOIN knowledge_events e ON e.tenant = $1 AND e.version = i.version
WHERE e.holds ? $2
"""

# The same, but for the documents that are known now: each one's summary is unpacked once, however many
# of its entries are asked for.
HOLDERS = """
SELECT held.entry_id, min(i.item)
FROM (
    SELECT DISTINCT document_id FROM knowledge_entries WHERE tenant = $1 AND entry_id = ANY($2::text[])
) AS holder
JOIN knowledge_items i ON i.tenant = $1 AND i.item = holder.document_id AND i.to_version IS NULL
JOIN knowledge_events e ON e.tenant = $1 AND e.version = i.version
CROSS JOIN LATERAL jsonb_object_keys(e.holds) AS held (entry_id)
WHERE held.entry_id = ANY($2::text[])
GROUP BY held.entry_id
"""

# Primary key of passage_vectors.
VECTORS = "SELECT digest, vector FROM passage_vectors WHERE model = $1 AND digest = ANY($2::bytea[])"

# Whoever comes first has it. Sorted by the caller, so that two writers of the same cannot deadlock.
SAVE_VECTORS = """
INSERT INTO passage_vectors (model, digest, vector)
SELECT $1, digest, vector FROM unnest($2::bytea[], $3::bytea[]) AS given (digest, vector)
ON CONFLICT (model, digest) DO NOTHING
"""

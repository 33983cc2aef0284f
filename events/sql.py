"""Every statement of the store, with the index it relies on. Times cross the border as milliseconds."""

# Primary key of session_events, as the fence; its unique violation is the expected outcome of a lost race.
APPEND = "SELECT append_events($1, $2, $3, $4, $5, $6, $7)"

# Unique index on sessions (tenant, external_id).
FIND = "SELECT session_id FROM sessions WHERE tenant = $1 AND external_id = $2"

# The same for many sessions at once.
RESOLVE = """
SELECT s.tenant, s.external_id, s.session_id
FROM unnest($1::text[], $2::text[]) AS wanted (tenant, external_id)
JOIN sessions s ON s.tenant = wanted.tenant AND s.external_id = wanted.external_id
"""

# Of two starters of one session the first wins; both read the winner's id afterwards. Sorted, so
# that two batches with the same sessions cannot deadlock.
REGISTER = """
INSERT INTO sessions (tenant, external_id, session_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) ORDER BY 1, 2
ON CONFLICT (tenant, external_id) DO NOTHING
"""

# Primary key of session_snapshots.
SNAPSHOTS = """
SELECT session_id, seq, fold_version, state_hash, payload
FROM session_snapshots
WHERE session_id = ANY($1::bigint[])
"""

# Primary key of session_events, one range per session; LATERAL keeps it a range scan each.
TAILS = """
SELECT e.session_id, e.seq, e.event_type, (extract(epoch FROM e.recorded_at) * 1000)::bigint, e.payload
FROM unnest($1::bigint[], $2::integer[]) AS wanted (session_id, after)
CROSS JOIN LATERAL (
    SELECT * FROM session_events s
    WHERE s.session_id = wanted.session_id AND s.seq > wanted.after
    ORDER BY s.seq
) e
"""

# Primary key of session_events; the partition follows from the session id.
READ = """
SELECT seq, event_type, (extract(epoch FROM recorded_at) * 1000)::bigint, payload
FROM session_events
WHERE session_id = $1 AND seq > $2
  AND ($4::bigint IS NULL OR recorded_at <= to_timestamp($4::bigint / 1000.0))
ORDER BY seq
LIMIT $3::bigint
"""

# Never replaces a newer snapshot of the same fold by an older one: a stale host may still try.
SAVE_SNAPSHOT = """
INSERT INTO session_snapshots (session_id, seq, fold_version, state_hash, payload) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (session_id) DO UPDATE
SET seq = EXCLUDED.seq, fold_version = EXCLUDED.fold_version,
    state_hash = EXCLUDED.state_hash, payload = EXCLUDED.payload
WHERE session_snapshots.fold_version <> EXCLUDED.fold_version OR session_snapshots.seq < EXCLUDED.seq
"""

# Index session_events (tx). Reads only below the oldest transaction still running: a
# transaction that began earlier may commit later, and whoever has passed it by would miss it.
READ_LOG = """
SELECT tx::text::bigint, session_id, seq, event_type, (extract(epoch FROM recorded_at) * 1000)::bigint, payload
FROM session_events
WHERE tx >= $1::bigint::text::xid8
  AND (tx, session_id, seq) > ($1::bigint::text::xid8, $2::bigint, $3::integer)
  AND tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY session_events.tx, session_id, seq
LIMIT $4
"""

# Primary key of subscription_checkpoints.
CHECKPOINT = "SELECT tx::text::bigint, session_id, seq FROM subscription_checkpoints WHERE name = $1"
SAVE_CHECKPOINT = """
INSERT INTO subscription_checkpoints (name, tx, session_id, seq) VALUES ($1, $2::bigint::text::xid8, $3, $4)
ON CONFLICT (name) DO UPDATE SET tx = EXCLUDED.tx, session_id = EXCLUDED.session_id, seq = EXCLUDED.seq
"""

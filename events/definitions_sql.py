"""Every statement of the definition store, with the index it relies on. Times cross the border as milliseconds."""

_COLUMNS = "id, tenant, kind, name, version, body, author, (extract(epoch FROM recorded_at) * 1000)::bigint"

# Unique index (tenant, kind, name, version), backwards, and the primary key for the next id.
PUT = f"SELECT {_COLUMNS} FROM put_definition($1, $2, $3, $4, $5, $6, $7)"

# Primary key.
SINCE = f"SELECT {_COLUMNS} FROM definitions WHERE id > $1 ORDER BY id LIMIT $2"

# Unique index (tenant, kind, name, version), from name to name: costs what there is now, not what there has been.
ALL_NEWEST = f"""
WITH RECURSIVE newest AS (
    (
        SELECT tenant, kind, name, version FROM definitions
        ORDER BY tenant DESC, kind DESC, name DESC, version DESC LIMIT 1
    )
    UNION ALL
    SELECT before.* FROM newest CROSS JOIN LATERAL (
        SELECT d.tenant, d.kind, d.name, d.version FROM definitions d
        WHERE (d.tenant, d.kind, d.name) < (newest.tenant, newest.kind, newest.name)
        ORDER BY d.tenant DESC, d.kind DESC, d.name DESC, d.version DESC LIMIT 1
    ) AS before
)
SELECT {_COLUMNS} FROM definitions JOIN newest USING (tenant, kind, name, version) ORDER BY id
"""

# Unique index (tenant, kind, name, version).
GET = f"""
SELECT {_COLUMNS} FROM definitions
WHERE tenant = $1 AND kind = $2 AND name = $3 AND ($4::bigint IS NULL OR version = $4)
ORDER BY version DESC LIMIT 1
"""

# The same, over one kind of one tenant.
NEWEST = f"""
SELECT DISTINCT ON (name) {_COLUMNS} FROM definitions
WHERE tenant = $1 AND kind = $2 ORDER BY name, version DESC
"""

# The same, backwards.
HISTORY = """
SELECT version, author, (extract(epoch FROM recorded_at) * 1000)::bigint, octet_length(body), sha256(body)
FROM definitions
WHERE tenant = $1 AND kind = $2 AND name = $3 AND ($5::bigint IS NULL OR version < $5)
ORDER BY version DESC LIMIT $4
"""

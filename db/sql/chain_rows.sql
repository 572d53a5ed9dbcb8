-- Rows from one place on with their digests; db/chain.py puts the view of another table in.
select row_key, sha256(body) as digest
from evidence_annotation
where place >= $place
order by place
limit $limit

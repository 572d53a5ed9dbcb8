-- All rows from one place on as members of a batch; db/chain.py puts the view of another table in.
insert into chain_member by name
select $batch_id as batch_id, $kind as kind, row_key, sha256(body) as digest
from evidence_annotation
where place >= $place

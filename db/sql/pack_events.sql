-- The rows of one kind; db/evidence/pack.py puts the view of another table in.
select json_object('kind', $kind::varchar, 'key', row_key, 'body', body)::varchar
from evidence_annotation
order by place

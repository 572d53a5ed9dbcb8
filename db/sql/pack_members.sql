select json_object('batch_id', batch_id, 'digest', digest, 'key', row_key, 'kind', kind)::varchar
from chain_member
order by rowid

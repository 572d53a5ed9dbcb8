select line ->> '$.key' as since
from (select line from chain_link order by rowid limit 1)
where line ->> '$.kind' = $kind

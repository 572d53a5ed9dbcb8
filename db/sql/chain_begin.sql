select line ->> '$.key' as since
from chain_link
where line ->> '$.kind' = $kind
order by rowid
limit 1

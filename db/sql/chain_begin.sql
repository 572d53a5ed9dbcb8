select line ->> '$.key' as since
from (select case when json_valid(line) then line end as line from chain_link order by rowid limit 1)
where line ->> '$.kind' = $kind

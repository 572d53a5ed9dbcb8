-- The latest link. Links are appended one after the other, so the last row is it. An altered line may have
-- no number: then that of its place, so that verify can say so, and the file can be opened.
select
    coalesce(try_cast(case when json_valid(line) then line ->> '$.number' end as bigint), rowid) as number,
    line
from chain_link
order by rowid desc
limit 1

-- The latest link. Links are appended one after the other, so the last row is it.
select (line ->> '$.number')::bigint as number, line
from chain_link
order by rowid desc
limit 1

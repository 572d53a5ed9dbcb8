-- The links as columns, in the order in which they were appended.
create or replace temp table link as
select
    rowid as place,
    line,
    json_valid(line) as is_json,
    case when json_valid(line) then try_cast(line ->> '$.number' as bigint) end as number,
    case when json_valid(line) then line ->> '$.kind' end as kind,
    case when json_valid(line) then line ->> '$.key' end as row_key,
    case when json_valid(line) then line ->> '$.digest' end as digest,
    case when json_valid(line) then line ->> '$.previous' end as previous
from chain_link

-- Once an hour: every request would be a write.
insert into program_token_use by name
select token_id, $used_at::timestamp as used_at
from program_token
where token_hash = $token_hash
    and token_id not in (
        select token_id from program_token_use
        where used_at > $used_at::timestamp - interval 1 hour
    )

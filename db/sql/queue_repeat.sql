-- The first item of a queue that is due to come again, unannounced, to a reviewer who labelled it:
-- one of the chosen share, not awaiting a blind label in another queue, not repeated yet, and with
-- $gap of the reviewer's items done since.
with labelled as (
    select
        item_id,
        min(annotation_number) as first_number,
        bool_or(presentation = 'repeat' and phase = 'revealed') as is_repeated,
        bool_or(phase = 'revealed') as is_done
    from kept_annotation
    anti join set_aside_item using (item_id)
    where queue_id = $queue_id and reviewer_id = $reviewer_id
    group by item_id
),
done as (
    select item_id, is_repeated, row_number() over (order by first_number desc) - 1 as num_since
    from labelled
    where is_done
)
select queue_item.item_id, queue_item."position"
from done
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = done.item_id
join queue_item on queue_item.queue_id = $queue_id and queue_item.item_id = done.item_id
where not done.is_repeated
    and done.num_since >= $gap
    and not list_contains($exclude::varchar[], done.item_id)
    -- The first 7 digits of a hash as a number from 0 to 1: the same items for all.
    and ('0x' || md5(done.item_id || '/repeat/' || $seed)[1:7])::bigint / 268435456.0 < $share
order by done.num_since desc
limit 1

-- What is counted twice and differs: items of bulk actions and of queues, versions without a gap.
select null::bigint as number, kind, row_key
from (
    select 'bulk_action' as kind, batch_id as row_key
    from bulk_action
    left join (select batch_id, count(*) as num_found from bulk_item group by batch_id) using (batch_id)
    where num_items <> coalesce(num_found, 0)
    union all
    select 'queue_item', queue_id from queue_item group by queue_id
    having count(*) <> max("position") + 1 or count(distinct "position") <> count(*)
    union all
    select 'item_version', item_id from item_version group by item_id having count(*) <> max(version) - 1
    union all
    select 'label_set', name from label_set group by name having count(*) <> max(version)
    union all
    select 'model_version', max(run_id) from model_version having count(*) <> max(version)
)
order by kind, row_key

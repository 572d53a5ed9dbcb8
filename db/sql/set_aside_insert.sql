-- Items that are not set aside, or not brought back, already.
insert into set_aside by name
select
    item_id,
    $is_set_aside as is_set_aside,
    $reason as reason,
    $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at
from (select distinct unnest($item_ids::varchar[]) as item_id)
left join set_aside_item as standing using (item_id)
where (standing.item_id is null) = $is_set_aside
order by item_id
returning item_id

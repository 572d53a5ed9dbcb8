insert into queue_item by name
select
    $queue_id as queue_id,
    unnest($item_ids::varchar[]) as item_id,
    unnest(range(len($item_ids::varchar[])))
    + (select count(*) from queue_item where queue_id = $queue_id) as "position"

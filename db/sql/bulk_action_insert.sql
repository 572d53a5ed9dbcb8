insert into bulk_action by name
select
    $batch_id as batch_id, $kind as kind, $filter as filter, $reviewer_id as reviewer_id,
    $num_items as num_items, $created_at::timestamp as created_at
